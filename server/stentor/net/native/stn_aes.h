/* The AES block function by the processor's instructions (x86-64 AES-NI; FIPS 197). No tables, so its time does not
 * depend on the data. */
#ifndef STN_AES_H
#define STN_AES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STN_AES_MAX_ROUNDS = 14 };

struct stn_aes {
    _Alignas(16) uint8_t round_keys[STN_AES_MAX_ROUNDS + 1][16];
    int rounds; /* 10 or 14 */
};

/* Whether this processor has the instructions; else none of the others may be called. */
bool stn_aes_is_there(void);

/* `key_size` is 16 or 32 bytes. */
void stn_aes_key(struct stn_aes *aes, const uint8_t *key, size_t key_size);

void stn_aes_block(const struct stn_aes *aes, const uint8_t in[16], uint8_t out[16]);

/* XOR `in` with the key stream of the blocks `iv` (12 bytes), `count` (big-endian, 32 bits; it wraps), `count` + 1
 * and so on (NIST SP 800-38D section 6.5). `in` and `out` may be the same. */
void stn_aes_counter(const struct stn_aes *aes, const uint8_t iv[12], uint32_t count, const uint8_t *in, size_t size,
                     uint8_t *out);

#endif

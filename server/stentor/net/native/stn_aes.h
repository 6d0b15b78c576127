/* The AES block function by the processor's instructions (x86-64 AES-NI; FIPS 197), in the two shapes that
 * OpenSSL's CRYPTO_gcm128_* ask for. No tables, so its time does not depend on the data. */
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

/* OpenSSL's block128_f and ctr128_f; `aes` is a struct stn_aes. */
void stn_aes_block(const uint8_t in[16], uint8_t out[16], const void *aes);
void stn_aes_counter(const uint8_t *in, uint8_t *out, size_t blocks, const void *aes, const uint8_t counter[16]);

#endif

/* GHASH by the processor's carry-less multiplication (x86-64 PCLMULQDQ; NIST SP 800-38D section 6.4). No tables, so
 * its time does not depend on the data. */
#ifndef STN_GHASH_H
#define STN_GHASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STN_GHASH_POWERS = 4 }; /* blocks that share one reduction */

struct stn_ghash {
    _Alignas(16) uint8_t powers[STN_GHASH_POWERS][16]; /* of the hash key, the first first */
    _Alignas(16) uint8_t state[16];
};

/* Whether this processor has the instructions; else none of the others may be called. */
bool stn_ghash_is_there(void);

/* `key` is the cipher's block of zeros. */
void stn_ghash_start(struct stn_ghash *hash, const uint8_t key[16]);

/* Data, filled up with zeros to whole blocks: call it once for the associated data, once for the ciphertext. */
void stn_ghash_add(struct stn_ghash *hash, const uint8_t *data, size_t size);

/* The hash, with both sizes in bytes behind the data. */
void stn_ghash_end(struct stn_ghash *hash, size_t aad_size, size_t size, uint8_t out[16]);

#endif

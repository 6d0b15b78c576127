/* OpenSSL's libcrypto, found at run time: ciphers by EVP, hashes by their plain functions.
 *
 * The hashes keep their state in the caller's memory, so that a MAC per packet or per datagram needs no
 * allocation. `stn_crypto_load` must have succeeded before anything else here is called; after that all of it
 * may be called from any thread.
 */
#ifndef STN_CRYPTO_H
#define STN_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stn_slice.h"

#define STN_SHA1_SIZE 20
#define STN_SHA256_SIZE 32
#define STN_GCM_TAG 16
#define STN_GCM_IV 12
#define STN_AES_BLOCK 16

typedef struct evp_cipher_ctx_st stn_cipher; /* OpenSSL's EVP_CIPHER_CTX */

/* Find libcrypto.so.3 and its functions. 0, or -1 with the reason in `error`. Idempotent. */
int stn_crypto_load(char *error, size_t error_size);

/* -- hashes and MACs: `parts` are hashed one after another ------------------------------------------------ */

void stn_sha256(const stn_slice *parts, size_t count, uint8_t out[STN_SHA256_SIZE]);

/* A key that has been taken in: HMAC then costs only the data (RFC 2104 section 4). */
struct stn_hmac_sha1 {
    uint32_t inner[5];
    uint32_t outer[5];
};

struct stn_hmac_sha256 {
    uint32_t inner[8];
    uint32_t outer[8];
};

void stn_hmac_sha1_key(struct stn_hmac_sha1 *key, const uint8_t *bytes, size_t size);
void stn_hmac_sha1(const struct stn_hmac_sha1 *key, const stn_slice *parts, size_t count, uint8_t out[STN_SHA1_SIZE]);
void stn_hmac_sha256_key(struct stn_hmac_sha256 *key, const uint8_t *bytes, size_t size);
void stn_hmac_sha256(const struct stn_hmac_sha256 *key, const stn_slice *parts, size_t count,
                     uint8_t out[STN_SHA256_SIZE]);

/* -- ciphers ---------------------------------------------------------------------------------------------- */

enum stn_algorithm { STN_AES_128_GCM, STN_AES_256_GCM, STN_AES_128_CTR, STN_AES_256_CTR };

/* A context with the key set (`key` NULL: to be keyed later, by `stn_cipher_rekey`), or NULL when there is no
 * memory. It belongs to one thread at a time, and works in both directions. */
stn_cipher *stn_cipher_new(enum stn_algorithm algorithm, const uint8_t *key);
void stn_cipher_free(stn_cipher *cipher);
bool stn_cipher_rekey(stn_cipher *cipher, const uint8_t *key);

/* Encrypt `in` to `out` and append the tag: `out` has room for in.len + 16. `aad` in one or two parts. */
bool stn_gcm_seal(stn_cipher *cipher, const uint8_t iv[STN_GCM_IV], stn_slice aad, stn_slice more_aad, stn_slice in,
                  uint8_t *out);

/* `in` ends with its tag; `out` gets in.len - 16 bytes. False when it is not authentic (then `out` is rubbish). */
bool stn_gcm_open(stn_cipher *cipher, const uint8_t iv[STN_GCM_IV], stn_slice aad, stn_slice more_aad, stn_slice in,
                  uint8_t *out);

/* Counter mode, both directions; `in` and `out` may be the same. */
bool stn_ctr(stn_cipher *cipher, const uint8_t iv[STN_AES_BLOCK], stn_slice in, uint8_t *out);

#endif

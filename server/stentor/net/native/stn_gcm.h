/* AES-GCM with one key per listener, for packets that come by the hundred thousand, and for what comes in.
 *
 * OpenSSL's EVP keeps 1.4 KB per key behind four pointers; with 10,000 keys each packet waits for that memory,
 * which costs more than the encryption. Here the mode is OpenSSL's own (CRYPTO_gcm128_*, its GHASH), and the
 * block cipher is the processor's AES instruction: 0.65 KB in two places that can be fetched ahead. Where the
 * processor or the library has no such thing, the key lives in an EVP context (docs/decisions/0011).
 */
#ifndef STN_GCM_H
#define STN_GCM_H

#include "stn_crypto.h"

struct stn_gcm;

/* A key of 16 or 32 bytes (`key` NULL: it comes by `stn_gcm_rekey`), or NULL when there is no memory. It belongs to
 * one thread at a time. */
struct stn_gcm *stn_gcm_new(const uint8_t *key, size_t key_size);
bool stn_gcm_rekey(struct stn_gcm *gcm, const uint8_t *key, size_t key_size); /* of the same size */
void stn_gcm_free(struct stn_gcm *gcm);

/* As `stn_gcm_seal` and `stn_gcm_open` with a cipher. */
bool stn_gcm_seal_with(struct stn_gcm *gcm, const uint8_t iv[STN_GCM_IV], stn_slice aad, stn_slice more_aad,
                       stn_slice in, uint8_t *out);
bool stn_gcm_open_with(struct stn_gcm *gcm, const uint8_t iv[STN_GCM_IV], stn_slice aad, stn_slice more_aad,
                       stn_slice in, uint8_t *out);

/* Ask for its memory, some packets before it is used. */
void stn_gcm_prefetch(const struct stn_gcm *gcm);

/* Whether keys made from now on use EVP. Of the process; for the tests that compare the two. */
void stn_gcm_prefer_evp(bool prefer);

/* Whether this machine can do without EVP. */
bool stn_gcm_is_direct(void);

#endif

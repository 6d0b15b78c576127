/* AES-GCM (NIST SP 800-38D) with one key per listener, for packets that come by the hundred thousand, and for what
 * comes in.
 *
 * Memory is slower than the cipher: OpenSSL's EVP keeps 1.4 KB per key behind four pointers, and with ten thousand
 * keys each packet waits for it. Here a key is its 16 or 32 bytes, beside what else a packet needs of its listener,
 * and is expanded anew for each packet, in registers and on the stack. Where the processor lacks the instructions, the
 * key lives in an EVP context (docs/decisions/0024).
 */
#ifndef STN_GCM_H
#define STN_GCM_H

#include "stn_crypto.h"

#define STN_GCM_MAX_KEY 32
#define STN_GCM_MAX_AAD 32 /* bytes, both parts together: headers alone are authenticated in the clear */

struct stn_gcm {
    stn_cipher *cipher; /* EVP; NULL: the processor does it with: */
    uint8_t key[STN_GCM_MAX_KEY];
    uint8_t key_size; /* 16 or 32 bytes */
};

/* `key` of 16 or 32 bytes (NULL: it comes by `stn_gcm_rekey`). False when there is no memory. */
bool stn_gcm_key(struct stn_gcm *gcm, const uint8_t *key, size_t key_size);
bool stn_gcm_rekey(struct stn_gcm *gcm, const uint8_t *key); /* of the same size */
void stn_gcm_wipe(struct stn_gcm *gcm); /* safe of one that is all zeros, or wiped */

/* As `stn_gcm_seal` and `stn_gcm_open` with a cipher. An EVP context is changed by it: one thread at a time. */
bool stn_gcm_seal_with(const struct stn_gcm *gcm, const uint8_t iv[STN_GCM_IV], stn_slice aad, stn_slice more_aad,
                       stn_slice in, uint8_t *out);
bool stn_gcm_open_with(const struct stn_gcm *gcm, const uint8_t iv[STN_GCM_IV], stn_slice aad, stn_slice more_aad,
                       stn_slice in, uint8_t *out);

/* Whether keys given from now on use EVP. Of the process; for the tests that compare the two. */
void stn_gcm_prefer_evp(bool prefer);

/* Whether this machine can do without EVP. */
bool stn_gcm_is_direct(void);

#endif

#include "stn_gcm.h"

#include <stdlib.h>
#include <string.h>

#include "stn_aes.h"

enum { LINE = 64, MODE_SIZE = 448 }; /* bytes of OpenSSL 3.0's GCM128_CONTEXT: only how much to fetch ahead */

struct stn_gcm {
    struct stn_aes aes; /* first, and with it the alignment */
    stn_gcm_mode *mode; /* OpenSSL's, with `aes` as its key; or NULL and: */
    stn_cipher *cipher;
};

static bool evp_preferred; /* tests alone, before any thread is started */

void stn_gcm_prefer_evp(bool prefer) { evp_preferred = prefer; }

bool stn_gcm_is_direct(void) { return stn_aes_is_there() && stn_gcm_mode_is_there(); }

struct stn_gcm *stn_gcm_new(const uint8_t *key, size_t key_size)
{
    struct stn_gcm *gcm = aligned_alloc(_Alignof(struct stn_gcm), sizeof *gcm);
    if (gcm == NULL)
        return NULL;
    memset(gcm, 0, sizeof *gcm);
    if (stn_gcm_is_direct() && !evp_preferred) {
        if (key != NULL)
            stn_aes_key(&gcm->aes, key, key_size);
        gcm->mode = stn_gcm_mode_new(&gcm->aes, stn_aes_block); /* without a key: of zeros, until it comes */
    } else {
        gcm->cipher = stn_cipher_new(key_size == 32 ? STN_AES_256_GCM : STN_AES_128_GCM, key);
    }
    if (gcm->mode != NULL || gcm->cipher != NULL)
        return gcm;
    stn_gcm_free(gcm);
    return NULL;
}

void stn_gcm_free(struct stn_gcm *gcm)
{
    if (gcm == NULL)
        return;
    stn_gcm_mode_free(gcm->mode);
    stn_cipher_free(gcm->cipher);
    explicit_bzero(gcm, sizeof *gcm); /* it holds the key */
    free(gcm);
}

bool stn_gcm_rekey(struct stn_gcm *gcm, const uint8_t *key, size_t key_size)
{
    if (gcm->mode == NULL)
        return stn_cipher_rekey(gcm->cipher, key);
    stn_aes_key(&gcm->aes, key, key_size);
    stn_gcm_mode_rekey(gcm->mode, &gcm->aes, stn_aes_block);
    return true;
}

bool stn_gcm_seal_with(struct stn_gcm *gcm, const uint8_t iv[STN_GCM_IV], stn_slice aad, stn_slice more_aad,
                       stn_slice in, uint8_t *out)
{
    if (gcm->mode != NULL)
        return stn_gcm_mode_seal(gcm->mode, iv, aad, more_aad, in, out, stn_aes_counter);
    return stn_gcm_seal(gcm->cipher, iv, aad, more_aad, in, out);
}

bool stn_gcm_open_with(struct stn_gcm *gcm, const uint8_t iv[STN_GCM_IV], stn_slice aad, stn_slice more_aad,
                       stn_slice in, uint8_t *out)
{
    if (gcm->mode != NULL)
        return stn_gcm_mode_open(gcm->mode, iv, aad, more_aad, in, out, stn_aes_counter);
    return stn_gcm_open(gcm->cipher, iv, aad, more_aad, in, out);
}

void stn_gcm_prefetch(const struct stn_gcm *gcm)
{
    if (gcm->mode == NULL)
        return;
    for (size_t at = 0; at < sizeof gcm->aes.round_keys - 4 * sizeof gcm->aes.round_keys[0]; at += LINE)
        __builtin_prefetch((const char *)gcm + at); /* of AES-128 */
    for (size_t at = 0; at < MODE_SIZE; at += LINE)
        __builtin_prefetch((const char *)gcm->mode + at);
}

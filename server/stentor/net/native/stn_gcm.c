#include "stn_gcm.h"

#include <string.h>

#include "stn_aes.h"
#include "stn_bytes.h"
#include "stn_ghash.h"

static bool evp_preferred; /* tests alone, before any thread is started */

void stn_gcm_prefer_evp(bool prefer) { evp_preferred = prefer; }

bool stn_gcm_is_direct(void) { return stn_aes_is_there() && stn_ghash_is_there(); }

bool stn_gcm_key(struct stn_gcm *gcm, const uint8_t *key, size_t key_size)
{
    memset(gcm, 0, sizeof *gcm);
    gcm->key_size = (uint8_t)key_size;
    if (!stn_gcm_is_direct() || evp_preferred) {
        gcm->cipher = stn_cipher_new(key_size == 32 ? STN_AES_256_GCM : STN_AES_128_GCM, key);
        return gcm->cipher != NULL;
    }
    if (key != NULL)
        memcpy(gcm->key, key, key_size);
    return true;
}

bool stn_gcm_rekey(struct stn_gcm *gcm, const uint8_t *key)
{
    if (gcm->cipher != NULL)
        return stn_cipher_rekey(gcm->cipher, key);
    memcpy(gcm->key, key, gcm->key_size);
    return true;
}

void stn_gcm_wipe(struct stn_gcm *gcm)
{
    stn_cipher_free(gcm->cipher);
    explicit_bzero(gcm, sizeof *gcm);
}

/* -- without EVP ------------------------------------------------------------------------------------------ */

/* What one packet needs of its key. It stays behind on the stack, as the key does in its listener. */
struct work {
    struct stn_aes aes;
    struct stn_ghash hash;
    uint8_t mask[STN_GCM_TAG]; /* the first block of the key stream, for the tag */
    size_t aad_size;
};

static bool start(struct work *work, const struct stn_gcm *gcm, const uint8_t *iv, stn_slice aad, stn_slice more_aad)
{
    static const uint8_t zeros[STN_AES_BLOCK];
    uint8_t joined[STN_GCM_MAX_AAD], hash_key[STN_AES_BLOCK];
    work->aad_size = aad.len + more_aad.len;
    if (work->aad_size > sizeof joined)
        return false;
    memcpy(joined, aad.data, aad.len);
    if (more_aad.len > 0)
        memcpy(joined + aad.len, more_aad.data, more_aad.len);
    stn_aes_key(&work->aes, gcm->key, gcm->key_size);
    stn_aes_block(&work->aes, zeros, hash_key);
    stn_aes_counter(&work->aes, iv, 1, zeros, sizeof zeros, work->mask);
    stn_ghash_start(&work->hash, hash_key);
    stn_ghash_add(&work->hash, joined, work->aad_size);
    return true;
}

static void finish(struct work *work, stn_slice text, uint8_t tag[STN_GCM_TAG])
{
    stn_ghash_add(&work->hash, text.data, text.len);
    stn_ghash_end(&work->hash, work->aad_size, text.len, tag);
    for (int i = 0; i < STN_GCM_TAG; i++)
        tag[i] ^= work->mask[i];
}

bool stn_gcm_seal_with(const struct stn_gcm *gcm, const uint8_t iv[STN_GCM_IV], stn_slice aad, stn_slice more_aad,
                       stn_slice in, uint8_t *out)
{
    struct work work;
    if (gcm->cipher != NULL)
        return stn_gcm_seal(gcm->cipher, iv, aad, more_aad, in, out);
    if (!start(&work, gcm, iv, aad, more_aad))
        return false;
    stn_aes_counter(&work.aes, iv, 2, in.data, in.len, out);
    finish(&work, (stn_slice){out, in.len}, out + in.len);
    return true;
}

bool stn_gcm_open_with(const struct stn_gcm *gcm, const uint8_t iv[STN_GCM_IV], stn_slice aad, stn_slice more_aad,
                       stn_slice in, uint8_t *out)
{
    struct work work;
    uint8_t tag[STN_GCM_TAG];
    if (gcm->cipher != NULL)
        return stn_gcm_open(gcm->cipher, iv, aad, more_aad, in, out);
    if (in.len < sizeof tag || !start(&work, gcm, iv, aad, more_aad))
        return false;
    const stn_slice text = {in.data, in.len - sizeof tag};
    finish(&work, text, tag);
    if (!stn_same_mac(tag, in.data + text.len, sizeof tag))
        return false;
    stn_aes_counter(&work.aes, iv, 2, text.data, text.len, out);
    return true;
}

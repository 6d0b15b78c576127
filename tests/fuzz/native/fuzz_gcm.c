/* Invariant: our AES-GCM and OpenSSL's seal to the same bytes, open what the other sealed, refuse what was changed by
 * a bit, and write nothing beyond its end. For both key sizes, any split of the associated data. */
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "stn_gcm.h"

static struct stn_gcm keyed(bool by_evp, const uint8_t *key, size_t key_size)
{
    struct stn_gcm gcm;
    stn_gcm_prefer_evp(by_evp);
    INVARIANT(stn_gcm_key(&gcm, key, key_size));
    INVARIANT((gcm.cipher != NULL) == by_evp);
    return gcm;
}

static void fill(struct input *input, uint8_t *out, size_t size)
{
    for (size_t at = 0; at < size; at++)
        out[at] = take8(input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    uint8_t kind = take8(&input), split = take8(&input), flip = take8(&input), key[32], iv[STN_GCM_IV];
    uint32_t at = take16(&input);
    size_t aad_size, text_size, key_size = kind & 1 ? 32 : 16;
    harness_open();
    INVARIANT(stn_gcm_is_direct()); /* else there is nothing to compare on this machine */
    fill(&input, key, key_size);
    fill(&input, iv, sizeof iv);
    uint8_t *aad = take_bytes(&input, split % (STN_GCM_MAX_AAD + 1), &aad_size);
    uint8_t *text = take_bytes(&input, 1500, &text_size);
    size_t first = aad_size == 0 ? 0 : at % (aad_size + 1);
    const stn_slice head = {aad, first}, rest = {aad + first, aad_size - first}, plain = {text, text_size};
    const size_t sealed_size = text_size + STN_GCM_TAG;
    uint8_t *sealed[2], *opened = malloc(text_size);
    struct stn_gcm gcm[2];
    for (int way = 0; way < 2; way++) {
        sealed[way] = malloc(sealed_size);
        gcm[way] = keyed(way == 1, key, key_size);
        INVARIANT(stn_gcm_seal_with(&gcm[way], iv, head, rest, plain, sealed[way]));
    }
    INVARIANT(memcmp(sealed[0], sealed[1], sealed_size) == 0);
    for (int way = 0; way < 2; way++) {
        const stn_slice packet = {sealed[1 - way], sealed_size};
        INVARIANT(stn_gcm_open_with(&gcm[way], iv, head, rest, packet, opened));
        INVARIANT(memcmp(opened, text, text_size) == 0);
        sealed[1 - way][at % sealed_size] ^= flip;
        INVARIANT(stn_gcm_open_with(&gcm[way], iv, head, rest, packet, opened) == (flip == 0));
        stn_gcm_wipe(&gcm[way]);
    }
    free(sealed[0]);
    free(sealed[1]);
    free(opened);
    free(aad);
    free(text);
    return 0;
}

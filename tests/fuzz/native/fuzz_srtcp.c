/* Invariant: only what was sealed with the keys opens, once, to what was sealed; nothing that is refused changes
 * what is remembered of the packets before. For all three profiles. */
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "stn_srtp.h"

static struct stn_srtp_shared shared;
static struct stn_srtcp_keys keys[3];

static void open_all(void)
{
    static const int profiles[] = {STN_PROFILE_CM_SHA1_80, STN_PROFILE_GCM_128, STN_PROFILE_GCM_256};
    if (shared.ctr != NULL)
        return;
    harness_open();
    INVARIANT(stn_srtp_shared_open(&shared));
    for (int i = 0; i < 3; i++)
        INVARIANT(stn_srtcp_keys_derive(&keys[i], profiles[i], harness_secret, harness_secret));
}

static void check_any(const struct stn_srtcp_keys *with, const uint8_t *data, size_t size)
{
    struct stn_replays replays = {0}, before = {0};
    uint8_t *out = malloc(size + 1), *again = malloc(size + STN_RTCP_OVERHEAD);
    int length = stn_srtcp_open(&shared, with, &replays, (stn_slice){data, size}, out);
    if (length < 0) {
        INVARIANT(memcmp(&replays, &before, sizeof before) == 0);
    } else { /* a seed, or its like: sealing what it holds must give it again */
        const stn_slice plain = {out, (size_t)length};
        INVARIANT(stn_srtcp_seal(&shared, with, plain, replays.windows[0].highest, again) == size);
        INVARIANT(memcmp(again, data, size) == 0);
    }
    free(out);
    free(again);
}

static void check_sealed(const struct stn_srtcp_keys *with, struct input input)
{
    struct stn_replays replays = {0}, before;
    size_t size;
    uint32_t at = take16(&input), index = take32(&input) & 0x7FFFFFFF;
    uint8_t flip = take8(&input);
    uint8_t *plain = take_bytes(&input, 1400, &size);
    if (size >= 8) {
        plain[0] = (uint8_t)(0x80 | (plain[0] & 0x3F));
        uint8_t *sealed = malloc(size + STN_RTCP_OVERHEAD), *out = malloc(size + STN_RTCP_OVERHEAD);
        size_t length = stn_srtcp_seal(&shared, with, (stn_slice){plain, size}, index, sealed);
        INVARIANT(length > size && length <= size + STN_RTCP_OVERHEAD);
        const stn_slice packet = {sealed, length};
        sealed[at % length] ^= flip;
        if (flip != 0)
            INVARIANT(stn_srtcp_open(&shared, with, &replays, packet, out) < 0 && replays.count == 0);
        sealed[at % length] ^= flip;
        INVARIANT(stn_srtcp_open(&shared, with, &replays, packet, out) == (int)size);
        INVARIANT(memcmp(out, plain, size) == 0);
        before = replays;
        INVARIANT(stn_srtcp_open(&shared, with, &replays, packet, out) == STN_SRTP_REPLAY);
        INVARIANT(memcmp(&replays, &before, sizeof before) == 0);
        free(sealed);
        free(out);
    }
    free(plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    open_all();
    const struct stn_srtcp_keys *with = &keys[take8(&input) % 3];
    check_any(with, input.data, input.size);
    check_sealed(with, input);
    return 0;
}

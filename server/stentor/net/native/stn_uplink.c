/* Uplinks: who they are, and SRTP of their streams. Nothing is remembered of a packet that is not authentic. */
#include <stdlib.h>
#include <string.h>

#include "stn_bytes.h"
#include "stn_trunk.h"

#define WINDOW 128 /* packets, of replays: as core/webrtc/replay_window.py */
#define MAX_INDEX ((UINT64_C(1) << 48) - 1)

static struct stn_uplink **bucket_of(const stn_core *core, uint32_t ssrc)
{
    return &core->trunk->by_ssrc[ssrc % STN_UPLINKS]; /* we chose it at random */
}

void stn_uplink_link(stn_core *core, struct stn_uplink *uplink)
{
    uplink->program = stn_program_make(core, uplink->event);
    if (uplink->program == NULL) {
        stn_count(&core->counters.seats_refused, 1);
        return;
    }
    uplink->program->uplinks++;
    struct stn_uplink **bucket = bucket_of(core, uplink->ssrc);
    uplink->next = *bucket;
    *bucket = uplink;
}

void stn_uplink_unlink(stn_core *core, struct stn_uplink *uplink)
{
    if (uplink->program != NULL) {
        struct stn_uplink **at = bucket_of(core, uplink->ssrc);
        while (*at != uplink)
            at = &(*at)->next;
        *at = uplink->next;
        uplink->program->uplinks--;
    }
    stn_uplink_free(uplink);
}

void stn_uplink_free(struct stn_uplink *uplink)
{
    stn_gcm_wipe(&uplink->gcm);
    explicit_bzero(uplink, sizeof *uplink); /* keys do not stay behind */
    free(uplink);
}

struct stn_uplink *stn_uplink_of(const stn_core *core, uint32_t ssrc)
{
    struct stn_uplink *uplink = *bucket_of(core, ssrc);
    while (uplink != NULL && uplink->ssrc != ssrc)
        uplink = uplink->next;
    return uplink;
}

/* -- SRTP: AES-128-GCM (RFC 7714) -------------------------------------------------------------------------- */

/* RFC 3711 section 3.3.1: the index that is nearest to the newest one; none before the start of the stream. */
static uint64_t estimate_index(const struct stn_uplink *uplink, uint16_t sequence)
{
    if (!uplink->heard)
        return sequence;
    uint64_t rollovers = uplink->highest >> 16;
    uint16_t newest = (uint16_t)uplink->highest;
    if (newest < 0x8000)
        rollovers -= sequence - newest > 0x8000 && rollovers > 0;
    else
        rollovers += newest - 0x8000 > sequence;
    return rollovers << 16 | sequence;
}

static bool is_fresh(const struct stn_uplink *uplink, uint64_t index)
{
    if (!uplink->heard || index > uplink->highest)
        return index <= MAX_INDEX;
    uint64_t age = uplink->highest - index;
    return age < WINDOW && !(uplink->seen >> age & 1);
}

static void mark(struct stn_uplink *uplink, uint64_t index)
{
    if (uplink->heard && index <= uplink->highest) {
        uplink->seen |= (unsigned __int128)1 << (uplink->highest - index);
        return;
    }
    uint64_t ahead = index - uplink->highest;
    uplink->seen = uplink->heard && ahead < WINDOW ? uplink->seen << ahead | 1 : 1;
    uplink->highest = index;
    uplink->heard = true;
}

static bool open_with(struct stn_uplink *uplink, stn_slice data, uint64_t index, uint8_t *plain)
{
    uint8_t iv[STN_GCM_IV]; /* 16 zero bits, SSRC, 48-bit index; XOR salt (RFC 7714 section 8.1) */
    memcpy(iv, uplink->salt, sizeof iv);
    for (int i = 0; i < 4; i++)
        iv[2 + i] ^= data.data[8 + i];
    for (int i = 0; i < 6; i++)
        iv[6 + i] ^= (uint8_t)(index >> (40 - 8 * i));
    const stn_slice header = {data.data, STN_RTP_HEADER};
    const stn_slice body = {data.data + STN_RTP_HEADER, data.len - STN_RTP_HEADER};
    return stn_gcm_open_with(&uplink->gcm, iv, header, (stn_slice){NULL, 0}, body, plain);
}

enum stn_drop stn_uplink_open(struct stn_uplink *uplink, stn_slice data, uint8_t *plain)
{
    uint16_t sequence = stn_get16(data.data + 2);
    uint64_t index = estimate_index(uplink, sequence);
    if (!is_fresh(uplink, index))
        return STN_DROP_TRUNK_REPLAY;
    if (!open_with(uplink, data, index, plain)) {
        /* The stream's first packets may have been lost just before its sequence number went round. */
        index = UINT64_C(1) << 16 | sequence;
        if (uplink->heard || sequence >= 0x8000 || !open_with(uplink, data, index, plain))
            return STN_DROP_TRUNK_SRTP;
    }
    mark(uplink, index);
    return STN_DROP_COUNT;
}

/* What comes by the cluster socket. A trunk packet is opened and taken apart here, and its frames go to stn_frame
 * in the same turn: Python sees none of them. Nothing is remembered of a packet that is not authentic. */
#include "stn_trunk.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "stn_bytes.h"
#include "stn_fanout.h"
#include "stn_opus.h"
#include "stn_receive.h"
#include "stn_sockaddr.h"

enum {
    MESSAGES = 64, /* per recvmmsg */
    ROUNDS = 2,    /* per turn: 128 packets are 0.3 ms, then the listeners' socket has its turn */
};

#define NTP_EPOCH UINT64_C(2208988800) /* seconds from 1900 to 1970 */

struct stn_trunk_rx {
    uint32_t kernel_drops; /* as the kernel counted when we last looked */
    struct mmsghdr messages[MESSAGES];
    struct iovec vectors[MESSAGES];
    struct sockaddr_in6 names[MESSAGES]; /* holds a sockaddr_in, too */
    _Alignas(struct cmsghdr) uint8_t controls[MESSAGES][CMSG_SPACE(sizeof(uint32_t)) + CMSG_SPACE(64)];
    uint8_t bytes[MESSAGES][STN_MAX_DATAGRAM + 1]; /* one more: a longer one is seen to be too long */
};

struct stn_trunk_rx *stn_trunk_rx_new(void)
{
    struct stn_trunk_rx *rx = calloc(1, sizeof *rx);
    for (int i = 0; rx != NULL && i < MESSAGES; i++) {
        struct msghdr *header = &rx->messages[i].msg_hdr;
        rx->vectors[i] = (struct iovec){rx->bytes[i], sizeof rx->bytes[i]};
        header->msg_iov = &rx->vectors[i];
        header->msg_iovlen = 1;
        header->msg_name = &rx->names[i];
        header->msg_control = rx->controls[i];
        stn_make_room(header, sizeof rx->controls[i]);
    }
    return rx;
}

/* -- frames ----------------------------------------------------------------------------------------------- */

/* Wall-clock time as 64-bit NTP time, for sender reports. In step mode it is the time that the caller says. */
static uint64_t ntp_now(const stn_core *core, int64_t now)
{
    struct timespec time = {now / STN_SECOND, now % STN_SECOND};
    if (!core->stepping)
        clock_gettime(CLOCK_REALTIME, &time);
    uint64_t fraction = ((uint64_t)time.tv_nsec << 32) / STN_SECOND;
    return ((uint64_t)time.tv_sec + NTP_EPOCH) << 32 | fraction;
}

/* Give a frame on: to the children in the numbers it came with, to our listeners in theirs. False when it is no Opus. */
static bool give(stn_core *core, struct stn_uplink *uplink, struct stn_place place, stn_slice payload, int64_t now)
{
    struct stn_program *program = uplink->program;
    if (stn_opus_duration(payload) == 0)
        return false;
    stn_count(&uplink->frames, 1);
    stn_trunk_forward(core, program, place, payload);
    place = stn_join_take(&program->join, place, now);
    stn_frame(core, program->event, (uint64_t)place.sequence, (uint64_t)place.timestamp, payload, ntp_now(core, now),
              now);
    return true;
}

/* The blocks of a packet that are newer than what was given, oldest first. A gap before the oldest was lost on the way;
 * one between two blocks is the program's own. */
static bool follow(stn_core *core, struct stn_uplink *uplink, const uint8_t *header,
                   const struct stn_trunk_block *blocks, size_t count, int64_t now)
{
    const struct stn_join *join = &uplink->program->join;
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        const struct stn_place at = stn_join_follow(join, (uint16_t)(stn_get16(header + 2) - blocks[i].distance),
                                                    stn_get32(header + 4) - blocks[i].offset);
        uint64_t gap = i == 0 ? (uint64_t)(at.sequence - join->stream.sequence - 1) : 0;
        if (stn_join_is_covered(join, at)) {
            stn_join_skip(&uplink->program->join, at, now);
            continue;
        }
        if (!stn_join_is_new(join, at) || !give(core, uplink, at, blocks[i].payload, now))
            continue;
        any = true;
        stn_count(&uplink->lost, gap);
        stn_count(&core->counters.trunk_lost, gap);
        stn_count(&uplink->recovered, i + 1 < count);
        stn_count(&core->counters.trunk_recovered, i + 1 < count);
    }
    return any;
}

/* The first frame of a stage. What its packet repeats of before is not ours to play. */
static bool begin(stn_core *core, struct stn_uplink *uplink, const uint8_t *header, stn_slice payload, int64_t now)
{
    if (stn_opus_duration(payload) == 0)
        return false;
    struct stn_place place = stn_join_begin(&uplink->program->join, uplink->epoch, stn_get16(header + 2),
                                            stn_get32(header + 4), now);
    return give(core, uplink, place, payload, now);
}

static int take_frames(stn_core *core, struct stn_uplink *uplink, const uint8_t *header, stn_slice payload,
                       int64_t now)
{
    struct stn_trunk_block blocks[STN_TRUNK_BLOCKS];
    const struct stn_join *join = &uplink->program->join;
    size_t count = (header[1] & 0x7F) == STN_TRUNK_RED ? stn_trunk_red_parse(payload, blocks) : 0;
    if (count == 0)
        return stn_drop(core, STN_DROP_TRUNK_MALFORMED);
    enum stn_joining what = stn_join_what(join, uplink->epoch);
    bool any = false;
    if (what == STN_JOIN_BEGINS)
        any = begin(core, uplink, header, blocks[count - 1].payload, now);
    else if (what == STN_JOIN_FOLLOWS)
        any = follow(core, uplink, header, blocks, count, now);
    stn_count(&uplink->duplicates, !any);
    return 0;
}

static int receive_rtp(stn_core *core, stn_slice data, int64_t now)
{
    uint8_t plain[STN_MAX_DATAGRAM];
    if (data.len < STN_RTP_HEADER + STN_GCM_TAG || data.data[0] != 0x80)
        return stn_drop(core, STN_DROP_TRUNK_NOT_OURS);
    struct stn_uplink *uplink = stn_uplink_of(core, stn_get32(data.data + 8));
    if (uplink == NULL)
        return stn_drop(core, STN_DROP_TRUNK_STREAM);
    enum stn_drop reason = stn_uplink_open(uplink, data, plain);
    if (reason != STN_DROP_COUNT) {
        stn_count(&uplink->failures, 1);
        return stn_drop(core, reason);
    }
    stn_count(&uplink->packets, 1);
    stn_count(&core->counters.trunk_received, 1);
    stn_counter_set(&uplink->heard_at, (uint64_t)now);
    uplink->program->heard_at = now;
    const stn_slice payload = {plain, data.len - STN_RTP_HEADER - STN_GCM_TAG};
    return take_frames(core, uplink, data.data, payload, now);
}

void stn_trunk_fill(stn_core *core, struct stn_program *program, int64_t now)
{
    static const uint8_t silence[] = {0xF8, 0xFF, 0xFE}; /* 20 ms of CELT without sound, as toc.SILENCE_20MS */
    struct stn_place place;
    if (stn_join_fill(&program->join, now, &place))
        stn_frame(core, program->event, (uint64_t)place.sequence, (uint64_t)place.timestamp,
                  (stn_slice){silence, sizeof silence}, ntp_now(core, now), now);
}

/* -- datagrams -------------------------------------------------------------------------------------------- */

int stn_trunk_datagram(stn_core *core, const uint8_t *data, size_t len, const struct stn_address *from, int64_t now)
{
    if (core->trunk == NULL || len == 0 || len > STN_MAX_DATAGRAM)
        return stn_drop(core, STN_DROP_TRUNK_NOT_OURS);
    if (data[0] >= 128 && data[0] <= 191)
        return receive_rtp(core, (stn_slice){data, len}, now);
    if (data[0] != STN_CONTROL_BYTE)
        return stn_drop(core, STN_DROP_TRUNK_NOT_OURS);
    const struct stn_up_record record = {.size = (uint32_t)len, .kind = STN_UP_DATAGRAM, .from = *from};
    return stn_up_push(&core->trunk->control, &record, data) ? 0 : stn_drop(core, STN_DROP_TRUNK_RING_FULL);
}

/* How many datagrams the kernel has dropped before this one. */
static void note_drops(stn_core *core, struct msghdr *header)
{
    for (struct cmsghdr *at = CMSG_FIRSTHDR(header); at != NULL; at = CMSG_NXTHDR(header, at)) {
        uint32_t drops;
        if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SO_RXQ_OVFL)
            continue;
        memcpy(&drops, CMSG_DATA(at), sizeof drops);
        stn_count(&core->counters.dropped[STN_DROP_TRUNK_QUEUE], drops - core->trunk->rx->kernel_drops);
        core->trunk->rx->kernel_drops = drops;
    }
}

bool stn_trunk_read(stn_core *core, int64_t now)
{
    struct stn_trunk_rx *rx = core->trunk->rx;
    for (int round = 0; round < ROUNDS; round++) {
        int count = recvmmsg(core->trunk->fd, rx->messages, MESSAGES, MSG_DONTWAIT, NULL);
        for (int i = 0; i < count; i++) {
            struct stn_address from;
            stn_read_name(&rx->names[i], &from);
            note_drops(core, &rx->messages[i].msg_hdr);
            stn_count(&core->counters.trunk_datagrams, 1);
            stn_trunk_datagram(core, rx->bytes[i], rx->messages[i].msg_len, &from, now);
            stn_make_room(&rx->messages[i].msg_hdr, sizeof rx->controls[i]);
        }
        if (count < MESSAGES)
            return false;
    }
    return true;
}

/* Frames to child nodes. Every row gets one packet of 20 ms for each frame, the moment it comes: no merging, no spread
 * over the tick, no reports. What a child was not sent, its next packet or its other parent brings. */
#include "stn_trunk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stn_bytes.h"
#include "stn_capture.h"
#include "stn_fanout.h"
#include "stn_sockaddr.h"

enum { MESSAGES = 64, PAYLOAD = STN_MAX_FRAME + 1, PACKET = STN_RTP_HEADER + PAYLOAD + STN_RTP_OVERHEAD };

_Static_assert(PAYLOAD >= STN_RED_MAX_BYTES, "a frame with earlier ones fits");

struct stn_trunk_tx {
    uint32_t count;
    struct mmsghdr messages[MESSAGES];
    struct iovec vectors[MESSAGES];
    union stn_name names[MESSAGES];
    struct stn_child *to[MESSAGES];
    uint8_t red[STN_TRUNK_DEPTH + 1][PAYLOAD]; /* with so many earlier frames */
    uint8_t bytes[MESSAGES][PACKET];
};

struct stn_trunk_tx *stn_trunk_tx_new(void)
{
    struct stn_trunk_tx *tx = calloc(1, sizeof *tx);
    for (int i = 0; tx != NULL && i < MESSAGES; i++) {
        struct msghdr *header = &tx->messages[i].msg_hdr;
        tx->vectors[i].iov_base = tx->bytes[i];
        header->msg_iov = &tx->vectors[i];
        header->msg_iovlen = 1;
        header->msg_name = &tx->names[i];
    }
    return tx;
}

/* -- children --------------------------------------------------------------------------------------------- */

void stn_child_link(stn_core *core, struct stn_child *child)
{
    child->program = stn_program_make(core, child->event);
    if (child->program == NULL) {
        stn_count(&core->counters.seats_refused, 1);
        return;
    }
    child->next = child->program->children;
    child->program->children = child;
}

void stn_child_unlink(stn_core *core, struct stn_child *child)
{
    (void)core;
    if (child->program != NULL) {
        struct stn_child **at = &child->program->children;
        while (*at != child)
            at = &(*at)->next;
        *at = child->next;
    }
    stn_child_free(child);
}

void stn_child_free(struct stn_child *child)
{
    stn_srtp_sender_close(&child->rtp);
    explicit_bzero(child, sizeof *child); /* keys do not stay behind */
    free(child);
}

/* -- sending ---------------------------------------------------------------------------------------------- */

static bool is_full(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS || error == ENOMEM;
}

/* An address that the kernel refuses is its child's affair alone. A full socket drops the rest. */
static void send_messages(const struct stn_trunk *trunk, struct stn_sent *result)
{
    struct stn_trunk_tx *tx = trunk->tx;
    uint32_t at = 0;
    while (at < tx->count) {
        int taken = sendmmsg(trunk->fd, tx->messages + at, tx->count - at, MSG_DONTWAIT);
        for (int i = 0; i < taken; i++, at++, result->sent++)
            result->octets += tx->messages[at].msg_len;
        if (taken > 0 || (taken < 0 && errno == EINTR))
            continue;
        if (is_full(errno)) {
            result->full += tx->count - at;
            return;
        }
        stn_count(&tx->to[at++]->unsent, 1);
        result->refused++;
    }
}

static void flush(stn_core *core)
{
    struct stn_trunk *trunk = core->trunk;
    struct stn_sent result = {0};
    if (trunk->tx->count == 0)
        return;
    if (core->capture != NULL)
        stn_capture_messages(core->capture, trunk->tx->messages, trunk->tx->count, &result);
    else
        send_messages(trunk, &result);
    stn_count(&core->counters.trunk_packets_sent, result.sent);
    stn_count(&core->counters.trunk_octets_sent, result.octets);
    stn_count(&core->counters.trunk_unsent, result.refused + result.full);
    trunk->tx->count = 0;
}

/* The rollover counter begins at 0 at both ends. No index comes again: sequences only grow. */
static void seal(stn_core *core, struct stn_child *child, uint64_t sequence, uint64_t timestamp, stn_slice payload)
{
    struct stn_trunk_tx *tx = core->trunk->tx;
    uint8_t *packet = tx->bytes[tx->count];
    if (child->sent == 0)
        child->base = sequence & ~UINT64_C(0xFFFF);
    child->sent += child->sent < STN_TRUNK_DEPTH;
    child->last = sequence;
    packet[0] = 0x80;
    packet[1] = STN_TRUNK_RED;
    stn_put16(packet + 2, (uint16_t)sequence);
    stn_put32(packet + 4, (uint32_t)timestamp);
    stn_put32(packet + 8, child->ssrc);
    size_t len = stn_srtp_seal(&child->rtp, packet, payload, sequence - child->base);
    if (len == 0) {
        stn_count(&core->counters.unsent[STN_UNSENT_CIPHER], 1);
        return;
    }
    tx->vectors[tx->count].iov_len = len;
    tx->messages[tx->count].msg_hdr.msg_namelen = stn_write_name(&tx->names[tx->count], &child->to, core->trunk->ipv6);
    tx->to[tx->count++] = child;
    stn_count(&child->packets, 1);
    stn_count(&child->octets, len);
    if (tx->count == MESSAGES)
        flush(core);
}

static void send_children(stn_core *core, struct stn_program *program, struct stn_place place, stn_slice payload,
                          bool all_epochs)
{
    uint64_t sequence = (uint64_t)place.sequence, timestamp = (uint64_t)place.timestamp;
    uint8_t(*red)[PAYLOAD] = core->trunk->tx->red;
    size_t len[STN_TRUNK_DEPTH + 1] = {0}; /* one payload is built for all that have carried as much */
    for (struct stn_child *child = program->children; child != NULL; child = child->next) {
        uint32_t depth = child->sent;
        if ((!all_epochs && child->epoch != program->join.epoch) || (depth > 0 && sequence <= child->last))
            continue;
        if (len[depth] == 0)
            len[depth] = stn_trunk_red_build(&program->past, depth, sequence, timestamp, payload, red[depth]);
        seal(core, child, sequence, timestamp, (stn_slice){red[depth], len[depth]});
    }
    stn_trunk_red_push(&program->past, sequence, timestamp, payload);
    flush(core);
}

void stn_trunk_forward(stn_core *core, struct stn_program *program, struct stn_place place, stn_slice payload)
{
    send_children(core, program, place, payload, false);
}

void stn_trunk_frame(stn_core *core, const uint8_t event[STN_EVENT_KEY], uint64_t sequence, uint64_t timestamp,
                     stn_slice payload, int64_t now)
{
    struct stn_program *program = stn_program_of(core, event);
    const struct stn_place place = {(int64_t)sequence, (int64_t)timestamp};
    if (program == NULL || payload.len > STN_MAX_FRAME)
        return;
    if (program->join.started && place.sequence <= program->join.given.sequence)
        return; /* stn_frame counts it */
    stn_join_note(&program->join, place, now);
    send_children(core, program, place, payload, true);
}

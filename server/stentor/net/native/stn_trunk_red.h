/* RED payloads between nodes (RFC 2198): a frame and the three before it, each with how many frames earlier it was.
 *
 * The primary block has payload type 96, a redundant one 96 + its distance in sequence numbers: so a receiver
 * knows the place of a recovered frame also next to one that the host lost. core/trunk/packet.py in C. Pure.
 */
#ifndef STN_TRUNK_RED_H
#define STN_TRUNK_RED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stn_red.h"
#include "stn_slice.h"

#define STN_TRUNK_RED 100   /* payload type of the packet */
#define STN_TRUNK_FRAME 96  /* of its primary block */
#define STN_TRUNK_FAR 31    /* frames: the furthest that a payload type below 128 can say */
#define STN_TRUNK_DEPTH 3   /* earlier frames in a packet: see DEPTH in core/trunk/packet.py */
#define STN_TRUNK_BLOCKS 32 /* in one packet at most, the primary with them */

/* The frames sent last of one event. */
struct stn_trunk_past {
    uint64_t pushed; /* frame n is in past[n % STN_TRUNK_DEPTH] */
    struct {
        uint64_t sequence;
        uint64_t timestamp;
        size_t len;
        uint8_t bytes[STN_RED_MAX_LENGTH]; /* none of a longer one */
    } past[STN_TRUNK_DEPTH];
};

/* The payload of a frame with up to `depth` of those before it, oldest first; `out` has room for payload.len + 1 and for
 * STN_RED_MAX_BYTES. Its length. */
size_t stn_trunk_red_build(const struct stn_trunk_past *past, uint32_t depth, uint64_t sequence, uint64_t timestamp,
                           struct stn_slice payload, uint8_t *out);
void stn_trunk_red_push(struct stn_trunk_past *past, uint64_t sequence, uint64_t timestamp, struct stn_slice payload);

struct stn_trunk_block {
    uint32_t distance; /* frames before the primary, 0 for itself */
    uint32_t offset;   /* samples before it */
    struct stn_slice payload;
};

/* The blocks in the order of the wire: ever newer, the primary last. How many, 0 for a malformed payload. */
size_t stn_trunk_red_parse(struct stn_slice payload, struct stn_trunk_block blocks[STN_TRUNK_BLOCKS]);

#endif

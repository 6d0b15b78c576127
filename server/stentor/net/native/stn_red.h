/* RED payloads of the current packet and earlier ones (RFC 2198): core/rtp/red_variant.py in C. */
#ifndef STN_RED_H
#define STN_RED_H

#include <stddef.h>
#include <stdint.h>

#include "stn_slice.h"

#define STN_RED_DEPTH 2        /* earlier packets at most */
#define STN_RED_MAX_OFFSET 16383 /* timestamp units: 14 bits, 341 ms at 48 kHz (RFC 2198 section 3) */
#define STN_RED_MAX_LENGTH 1023  /* bytes of an earlier payload: 10 bits */
#define STN_RED_MAX_BYTES 1150   /* an earlier payload that would make more of it is left out */

/* The packets sent last of one stream. */
struct stn_red_history {
    uint64_t pushed; /* packet n is in past[n % STN_RED_DEPTH] */
    struct {
        uint64_t timestamp;
        size_t len; /* of the payload; its bytes are kept up to STN_RED_MAX_LENGTH only */
        uint8_t bytes[STN_RED_MAX_LENGTH];
    } past[STN_RED_DEPTH];
};

void stn_red_init(struct stn_red_history *history);

/* As RedHistory.build: the payload of a packet at `timestamp` (extended) with up to `depth` earlier ones.
 * `payload_type`: of Opus. Its length, or 0 when `capacity` is below payload.len + 1. */
size_t stn_red_build(const struct stn_red_history *history, uint32_t depth, uint8_t payload_type,
                     uint64_t timestamp, struct stn_slice payload, uint8_t *out, size_t capacity);

/* As RedHistory.push: this packet was sent. */
void stn_red_push(struct stn_red_history *history, uint64_t timestamp, struct stn_slice payload);

#endif

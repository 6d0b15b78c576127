#include "stn_red.h"

#include <stdbool.h>
#include <string.h>

#include "stn_bytes.h"

#define HEADER 4          /* bytes that describe an earlier payload (RFC 2198 section 3) */
#define MORE 0x80000000u  /* another block header follows */

void stn_red_init(struct stn_red_history *history) { history->pushed = 0; }

size_t stn_red_build(const struct stn_red_history *history, uint32_t depth, uint8_t payload_type,
                     uint64_t timestamp, struct stn_slice payload, uint8_t *out, size_t capacity)
{
    if (payload.len >= capacity)
        return 0;
    size_t limit = capacity < STN_RED_MAX_BYTES ? capacity : STN_RED_MAX_BYTES;
    size_t room = payload.len + 1 < limit ? limit - payload.len - 1 : 0;
    uint64_t there = history->pushed < STN_RED_DEPTH ? history->pushed : STN_RED_DEPTH;
    bool chosen[STN_RED_DEPTH + 1] = {false}; /* by age in packets: the newest is served first */
    for (uint64_t age = 1; age <= there && age <= depth; age++) {
        uint64_t slot = (history->pushed - age) % STN_RED_DEPTH;
        uint64_t offset = timestamp - history->past[slot].timestamp; /* older than itself: beyond 14 bits */
        size_t len = history->past[slot].len;
        if (offset == 0 || offset > STN_RED_MAX_OFFSET || len > STN_RED_MAX_LENGTH || HEADER + len > room)
            continue;
        chosen[age] = true;
        room -= HEADER + len;
    }
    uint8_t *at = out;
    for (uint64_t age = there; age > 0; age--) {
        uint64_t slot = (history->pushed - age) % STN_RED_DEPTH;
        if (!chosen[age])
            continue;
        uint32_t offset = (uint32_t)(timestamp - history->past[slot].timestamp);
        stn_put32(at, MORE | (payload_type & 0x7Fu) << 24 | offset << 10 | (uint32_t)history->past[slot].len);
        at += HEADER;
    }
    *at++ = payload_type & 0x7F;
    for (uint64_t age = there; age > 0; age--) {
        uint64_t slot = (history->pushed - age) % STN_RED_DEPTH;
        if (!chosen[age])
            continue;
        memcpy(at, history->past[slot].bytes, history->past[slot].len);
        at += history->past[slot].len;
    }
    if (payload.len > 0)
        memcpy(at, payload.data, payload.len);
    return (size_t)(at - out) + payload.len;
}

void stn_red_push(struct stn_red_history *history, uint64_t timestamp, struct stn_slice payload)
{
    uint64_t slot = history->pushed++ % STN_RED_DEPTH;
    history->past[slot].timestamp = timestamp;
    history->past[slot].len = payload.len;
    if (payload.len > 0 && payload.len <= STN_RED_MAX_LENGTH)
        memcpy(history->past[slot].bytes, payload.data, payload.len);
}

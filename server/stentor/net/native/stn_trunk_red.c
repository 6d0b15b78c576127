#include "stn_trunk_red.h"

#include <string.h>

#include "stn_bytes.h"

#define HEADER 4         /* bytes that describe an earlier frame (RFC 2198 section 3) */
#define MORE 0x80000000u /* another block header follows */

size_t stn_trunk_red_build(const struct stn_trunk_past *past, uint32_t depth, uint64_t sequence, uint64_t timestamp,
                           struct stn_slice payload, uint8_t *out)
{
    size_t room = payload.len + 1 < STN_RED_MAX_BYTES ? STN_RED_MAX_BYTES - payload.len - 1 : 0;
    uint64_t there = past->pushed < STN_TRUNK_DEPTH ? past->pushed : STN_TRUNK_DEPTH;
    uint64_t reached = 0, since = 0; /* distance and offset of the frame chosen last: each is older than the next */
    bool chosen[STN_TRUNK_DEPTH + 1] = {false}; /* by age in frames given: the newest is served first */
    for (uint64_t age = 1; age <= there && age <= depth; age++) {
        uint64_t slot = (past->pushed - age) % STN_TRUNK_DEPTH;
        uint64_t distance = sequence - past->past[slot].sequence, offset = timestamp - past->past[slot].timestamp;
        size_t len = past->past[slot].len;
        if (distance <= reached || distance > STN_TRUNK_FAR || offset <= since || offset > STN_RED_MAX_OFFSET ||
            len > STN_RED_MAX_LENGTH || HEADER + len > room)
            continue;
        chosen[age] = true;
        reached = distance, since = offset;
        room -= HEADER + len;
    }
    uint8_t *at = out;
    for (uint64_t age = there; age > 0; age--) {
        uint64_t slot = (past->pushed - age) % STN_TRUNK_DEPTH;
        if (!chosen[age])
            continue;
        uint32_t type = STN_TRUNK_FRAME + (uint32_t)(sequence - past->past[slot].sequence);
        uint32_t offset = (uint32_t)(timestamp - past->past[slot].timestamp);
        stn_put32(at, MORE | type << 24 | offset << 10 | (uint32_t)past->past[slot].len);
        at += HEADER;
    }
    *at++ = STN_TRUNK_FRAME;
    for (uint64_t age = there; age > 0; age--) {
        uint64_t slot = (past->pushed - age) % STN_TRUNK_DEPTH;
        if (!chosen[age])
            continue;
        memcpy(at, past->past[slot].bytes, past->past[slot].len);
        at += past->past[slot].len;
    }
    if (payload.len > 0)
        memcpy(at, payload.data, payload.len);
    return (size_t)(at - out) + payload.len;
}

void stn_trunk_red_push(struct stn_trunk_past *past, uint64_t sequence, uint64_t timestamp, struct stn_slice payload)
{
    uint64_t slot = past->pushed++ % STN_TRUNK_DEPTH;
    past->past[slot].sequence = sequence;
    past->past[slot].timestamp = timestamp;
    past->past[slot].len = payload.len;
    if (payload.len > 0 && payload.len <= STN_RED_MAX_LENGTH)
        memcpy(past->past[slot].bytes, payload.data, payload.len);
}

/* A block header; whether it is of a frame older than the primary and newer than the block before. */
static bool read_header(const uint8_t *at, const struct stn_trunk_block *before, struct stn_trunk_block *block)
{
    uint32_t word = stn_get32(at);
    block->distance = (word >> 24 & 0x7F) - STN_TRUNK_FRAME;
    block->offset = word >> 10 & STN_RED_MAX_OFFSET;
    block->payload.len = word & STN_RED_MAX_LENGTH;
    return block->distance > 0 && block->distance <= STN_TRUNK_FAR && block->offset > 0 &&
           (before == NULL || (block->distance < before->distance && block->offset < before->offset));
}

size_t stn_trunk_red_parse(struct stn_slice payload, struct stn_trunk_block blocks[STN_TRUNK_BLOCKS])
{
    size_t count = 0, at = 0, described = 0;
    for (; at < payload.len && payload.data[at] & 0x80; at += HEADER, count++) {
        /* Distances fall from 31 at most to 1, so there is a place for each. */
        if (payload.len - at < HEADER ||
            !read_header(payload.data + at, count == 0 ? NULL : &blocks[count - 1], &blocks[count]))
            return 0;
        described += blocks[count].payload.len;
    }
    if (at >= payload.len || payload.data[at++] != STN_TRUNK_FRAME || described > payload.len - at)
        return 0;
    for (size_t i = 0; i < count; at += blocks[i++].payload.len)
        blocks[i].payload.data = payload.data + at;
    blocks[count] = (struct stn_trunk_block){0, 0, {payload.data + at, payload.len - at}};
    return count + 1;
}

/* Opus packets taken apart and put together without decoding: core/opus/toc.py and repacketizer.py in C.
 *
 * Pure: no allocation, no state; every read is checked against the packet's length (RFC 6716 section 3).
 */
#ifndef STN_OPUS_H
#define STN_OPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stn_slice.h"

#define STN_OPUS_MAX_FRAMES 48        /* of 2.5 ms in a packet (RFC 6716 section 3.2.5) */
#define STN_OPUS_MAX_SAMPLES 5760     /* 120 ms at 48 kHz (RFC 6716 section 3.2.5, R5) */
#define STN_OPUS_MAX_FRAME_BYTES 1275 /* RFC 6716 section 3.2.1, R2 */

/* What the first byte or two of a packet say. */
struct stn_opus_toc {
    uint8_t head;           /* the first byte without its frame count code: configuration and channel bit */
    uint8_t frame_count;    /* 1 to 48 */
    uint16_t frame_samples; /* of one frame at 48 kHz, 120 to 2880 */
};

/* A packet taken apart. The frames lie one after another: frame 0 begins at `first`. */
struct stn_opus_frames {
    struct stn_opus_toc toc;
    const uint8_t *first;
    size_t bytes; /* of all frames */
    uint16_t sizes[STN_OPUS_MAX_FRAMES];
};

/* As parse_toc: false for a packet that no encoder makes. */
bool stn_opus_read_toc(struct stn_slice packet, struct stn_opus_toc *toc);

/* Length of the packet in samples at 48 kHz, 0 for a packet that no encoder makes. */
uint32_t stn_opus_duration(struct stn_slice packet);

/* As split_frames: false for a malformed packet. */
bool stn_opus_split(struct stn_slice packet, struct stn_opus_frames *frames);

/* Length of the smallest packet that holds `count` frames of these sizes. */
size_t stn_opus_packed_size(const uint16_t *sizes, size_t count);

/* Write the smallest packet with these frames, which lie one after another at `frames`. Its length, or 0
 * when it does not fit `capacity`, or the frames are too many (> 48) or too long (> 1,275 bytes). */
size_t stn_opus_pack(uint8_t head, const uint16_t *sizes, size_t count, const uint8_t *frames, uint8_t *out,
                     size_t capacity);

/* As merge: one packet with all frames of `packets` in order. Its length, or 0 when they cannot be one
 * packet of at most `capacity` bytes: other configuration or channels, beyond 120 ms, malformed, none. */
size_t stn_opus_merge(const struct stn_slice *packets, size_t count, uint8_t *out, size_t capacity);

#endif

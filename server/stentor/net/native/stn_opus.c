#include "stn_opus.h"

#include <string.h>

#define CODE 0x03    /* table-of-contents byte: frame count code (RFC 6716 section 3.1) */
#define VBR 0x80     /* frame count byte: a size precedes each frame but the last (section 3.2.5) */
#define PADDING 0x40 /* frame count byte: padding lengths follow */
#define COUNT 0x3F
#define LONG 252 /* a size from here on takes two bytes (section 3.2.1) */

static uint16_t frame_samples(uint8_t first)
{
    static const uint16_t silk[4] = {480, 960, 1920, 2880}; /* RFC 6716 section 3.1, table 2 */
    static const uint16_t celt[4] = {120, 240, 480, 960};
    uint8_t config = first >> 3;
    if (config < 12)
        return silk[config & 3];
    return config < 16 ? silk[config & 1] : celt[config & 3];
}

/* A frame size at *at, with the frame inside the packet; moves *at behind it. */
static bool read_size(struct stn_slice packet, size_t *at, size_t end, uint16_t *size)
{
    if (*at >= end)
        return false;
    *size = packet.data[(*at)++];
    if (*size >= LONG) {
        if (*at >= end)
            return false;
        *size = (uint16_t)(*size + 4 * packet.data[(*at)++]);
    }
    return *size <= end - *at;
}

bool stn_opus_read_toc(struct stn_slice packet, struct stn_opus_toc *toc)
{
    if (packet.len == 0)
        return false;
    size_t body = packet.len - 1, at = 1;
    uint16_t size;
    uint8_t count = 2;
    switch (packet.data[0] & CODE) {
    case 0:
        count = 1;
        if (body > STN_OPUS_MAX_FRAME_BYTES)
            return false;
        break;
    case 1:
        if (body % 2 != 0 || body > 2 * STN_OPUS_MAX_FRAME_BYTES)
            return false;
        break;
    case 2:
        if (!read_size(packet, &at, packet.len, &size))
            return false;
        break;
    default:
        count = body > 0 ? packet.data[1] & COUNT : 0;
    }
    toc->head = packet.data[0] & (uint8_t)~CODE;
    toc->frame_count = count;
    toc->frame_samples = frame_samples(packet.data[0]);
    return count > 0 && count * toc->frame_samples <= STN_OPUS_MAX_SAMPLES;
}

uint32_t stn_opus_duration(struct stn_slice packet)
{
    struct stn_opus_toc toc;
    return stn_opus_read_toc(packet, &toc) ? (uint32_t)toc.frame_count * toc.frame_samples : 0;
}

/* Take the padding of a code 3 packet off *end; moves *at behind its lengths. */
static bool skip_padding(struct stn_slice packet, size_t *at, size_t *end)
{
    size_t padding = 0;
    uint8_t length;
    do { /* 255 stands for 254 and one more length */
        if (*at >= packet.len)
            return false;
        length = packet.data[(*at)++];
        padding += length < 255 ? length : 254;
    } while (length == 255);
    if (padding > packet.len - *at)
        return false;
    *end = packet.len - padding;
    return true;
}

/* Layout of a code 3 packet (RFC 6716 section 3.2.5); moves *at to its first frame. */
static bool split_code_3(struct stn_slice packet, struct stn_opus_frames *frames, size_t *at)
{
    uint8_t count = frames->toc.frame_count;
    size_t end = packet.len, left;
    *at = 2;
    if ((packet.data[1] & PADDING) && !skip_padding(packet, at, &end))
        return false;
    if (packet.data[1] & VBR) {
        size_t sum = 0;
        for (uint8_t i = 0; i + 1 < count; i++) {
            if (!read_size(packet, at, end, &frames->sizes[i]))
                return false;
            sum += frames->sizes[i];
        }
        left = end - *at;
        if (sum > left || left - sum > STN_OPUS_MAX_FRAME_BYTES)
            return false;
        frames->sizes[count - 1] = (uint16_t)(left - sum);
    } else {
        left = end - *at;
        if (left % count != 0 || left / count > STN_OPUS_MAX_FRAME_BYTES)
            return false;
        for (uint8_t i = 0; i < count; i++)
            frames->sizes[i] = (uint16_t)(left / count);
    }
    frames->bytes = left;
    return true;
}

bool stn_opus_split(struct stn_slice packet, struct stn_opus_frames *frames)
{
    if (!stn_opus_read_toc(packet, &frames->toc))
        return false;
    size_t at = 1;
    switch (packet.data[0] & CODE) {
    case 0:
        frames->sizes[0] = (uint16_t)(packet.len - 1);
        break;
    case 1:
        frames->sizes[0] = frames->sizes[1] = (uint16_t)((packet.len - 1) / 2);
        break;
    case 2:
        if (!read_size(packet, &at, packet.len, &frames->sizes[0]) ||
            packet.len - at - frames->sizes[0] > STN_OPUS_MAX_FRAME_BYTES)
            return false;
        frames->sizes[1] = (uint16_t)(packet.len - at - frames->sizes[0]);
        break;
    default:
        if (!split_code_3(packet, frames, &at))
            return false;
        frames->first = packet.data + at;
        return true;
    }
    frames->first = packet.data + at;
    frames->bytes = packet.len - at;
    return true;
}

static bool all_equal(const uint16_t *sizes, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (sizes[i] != sizes[0])
            return false;
    return true;
}

size_t stn_opus_packed_size(const uint16_t *sizes, size_t count)
{
    size_t total = count <= 2 ? 1 : 2; /* table of contents; from three frames on their number */
    bool constant = all_equal(sizes, count);
    for (size_t i = 0; i < count; i++) {
        total += sizes[i];
        if (!constant && i + 1 < count)
            total += sizes[i] < LONG ? 1 : 2;
    }
    return total;
}

static uint8_t *write_size(uint8_t *at, uint16_t size)
{
    if (size < LONG) {
        *at++ = (uint8_t)size;
        return at;
    }
    uint8_t first = (uint8_t)(LONG + size % 4);
    *at++ = first;
    *at++ = (uint8_t)((size - first) / 4);
    return at;
}

/* All of the packet before its frames; `out` has room for stn_opus_packed_size. The position behind it. */
static uint8_t *write_header(uint8_t head, const uint16_t *sizes, size_t count, uint8_t *out)
{
    bool constant = all_equal(sizes, count);
    uint8_t code = count == 1 ? 0 : count == 2 ? (constant ? 1 : 2) : 3;
    *out++ = (uint8_t)((head & ~CODE) | code);
    if (code == 3)
        *out++ = (uint8_t)((constant ? 0 : VBR) | count);
    for (size_t i = 0; !constant && i + 1 < count; i++)
        out = write_size(out, sizes[i]);
    return out;
}

size_t stn_opus_pack(uint8_t head, const uint16_t *sizes, size_t count, const uint8_t *frames, uint8_t *out,
                     size_t capacity)
{
    if (count == 0 || count > STN_OPUS_MAX_FRAMES)
        return 0;
    size_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (sizes[i] > STN_OPUS_MAX_FRAME_BYTES)
            return 0;
        sum += sizes[i];
    }
    if (stn_opus_packed_size(sizes, count) > capacity)
        return 0;
    uint8_t *at = write_header(head, sizes, count, out);
    if (sum > 0)
        memcpy(at, frames, sum);
    return (size_t)(at - out) + sum;
}

size_t stn_opus_merge(const struct stn_slice *packets, size_t count, uint8_t *out, size_t capacity)
{
    struct stn_opus_frames part;
    uint16_t sizes[STN_OPUS_MAX_FRAMES];
    uint8_t head = 0;
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        if (!stn_opus_split(packets[i], &part))
            return 0;
        if (i == 0)
            head = part.toc.head;
        if (part.toc.head != head ||
            (total + part.toc.frame_count) * part.toc.frame_samples > STN_OPUS_MAX_SAMPLES)
            return 0; /* 120 ms are 48 frames at most, so there is room in sizes */
        memcpy(sizes + total, part.sizes, part.toc.frame_count * sizeof *sizes);
        total += part.toc.frame_count;
    }
    if (total == 0 || stn_opus_packed_size(sizes, total) > capacity)
        return 0;
    uint8_t *at = write_header(head, sizes, total, out);
    for (size_t i = 0; i < count && stn_opus_split(packets[i], &part); i++) {
        memcpy(at, part.first, part.bytes);
        at += part.bytes;
    }
    return (size_t)(at - out);
}

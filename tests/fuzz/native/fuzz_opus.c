/* Invariant: whatever is taken apart lies inside the packet and can be put together to a packet that is no longer
 * and holds the same frames; a merged packet holds the frames of its parts, bit for bit and in order, and lasts as
 * long as they do together. */
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "stn_opus.h"

enum { PACKETS = 6, ROOM = 4096 };

static bool split(const uint8_t *data, size_t size, struct stn_opus_frames *frames)
{
    const struct stn_slice packet = {data, size};
    struct stn_opus_toc toc;
    bool has_toc = stn_opus_read_toc(packet, &toc);
    uint32_t duration = stn_opus_duration(packet);
    INVARIANT(has_toc == (duration > 0));
    INVARIANT(duration <= STN_OPUS_MAX_SAMPLES);
    if (!stn_opus_split(packet, frames))
        return false;
    size_t total = 0;
    for (int i = 0; i < frames->toc.frame_count; i++)
        total += frames->sizes[i];
    INVARIANT(has_toc && toc.frame_count == frames->toc.frame_count && toc.frame_count <= STN_OPUS_MAX_FRAMES);
    INVARIANT(total == frames->bytes);
    INVARIANT(total == 0 || (frames->first >= data && frames->first + total <= data + size));
    INVARIANT(duration == (uint32_t)toc.frame_count * toc.frame_samples);
    return true;
}

static void check_one(const uint8_t *data, size_t size)
{
    struct stn_opus_frames frames, again;
    uint8_t out[ROOM];
    if (!split(data, size, &frames))
        return;
    size_t packed = stn_opus_pack(frames.toc.head, frames.sizes, frames.toc.frame_count, frames.first, out, ROOM);
    INVARIANT(packed > 0 && packed <= size);
    INVARIANT(packed == stn_opus_packed_size(frames.sizes, frames.toc.frame_count));
    INVARIANT(split(out, packed, &again) && again.toc.frame_count == frames.toc.frame_count);
    INVARIANT(memcmp(again.sizes, frames.sizes, frames.toc.frame_count * sizeof frames.sizes[0]) == 0);
    INVARIANT(memcmp(again.first, frames.first, frames.bytes) == 0);
    INVARIANT(stn_opus_pack(frames.toc.head, frames.sizes, frames.toc.frame_count, frames.first, out, packed - 1) == 0);
}

static void check_merge(struct input input)
{
    uint8_t *parts[PACKETS], out[ROOM];
    struct stn_slice packets[PACKETS];
    size_t count = take8(&input) % (PACKETS + 1), capacity = take16(&input) % ROOM;
    for (size_t i = 0; i < count; i++) {
        size_t size = take8(&input);
        parts[i] = take_bytes(&input, size, &packets[i].len);
        packets[i].data = parts[i];
    }
    size_t merged = stn_opus_merge(packets, count, out, capacity);
    INVARIANT(merged <= capacity);
    if (merged > 0) {
        struct stn_opus_frames whole, part;
        uint32_t duration = 0;
        size_t at = 0;
        INVARIANT(split(out, merged, &whole));
        for (size_t i = 0; i < count; i++) {
            INVARIANT(split(packets[i].data, packets[i].len, &part) && part.toc.head == whole.toc.head);
            INVARIANT(memcmp(whole.first + at, part.first, part.bytes) == 0);
            at += part.bytes;
            duration += stn_opus_duration(packets[i]);
        }
        INVARIANT(at == whole.bytes && duration == stn_opus_duration((struct stn_slice){out, merged}));
    }
    for (size_t i = 0; i < count; i++)
        free(parts[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_one(data, size);
    check_merge((struct input){data, size});
    return 0;
}

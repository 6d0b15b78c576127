/* Invariant: a RED payload that fits ends with the current payload, whole, and the blocks before it are earlier
 * payloads, whole, with the offsets that RFC 2198 can say; one that does not fit is 0 bytes. */
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "stn_bytes.h"
#include "stn_red.h"

enum { KEPT = 4, ROOM = 4096 };

struct past {
    uint64_t timestamp;
    uint8_t *bytes;
    size_t size;
};

/* Whether `size` bytes at `data` are a payload that was pushed, `offset` before `timestamp`. */
static bool was_pushed(const struct past *past, size_t count, uint64_t timestamp, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < count; i++)
        if (past[i].timestamp == timestamp && past[i].size == size && memcmp(past[i].bytes, data, size) == 0)
            return true;
    return false;
}

static void check_built(const uint8_t *red, size_t size, const struct past *past, size_t count,
                        const struct past *now, uint8_t payload_type)
{
    size_t at = 0, blocks = 0, total = 0;
    struct { uint32_t offset, length; } headers[STN_RED_DEPTH];
    while (at < size && (red[at] & 0x80) != 0) {
        INVARIANT(blocks < STN_RED_DEPTH && at + 4 <= size && (red[at] & 0x7F) == payload_type);
        uint32_t word = stn_get32(red + at);
        headers[blocks].offset = word >> 10 & 0x3FFF;
        headers[blocks].length = word & 0x3FF;
        total += headers[blocks++].length;
        at += 4;
    }
    INVARIANT(at < size && red[at] == payload_type);
    at++;
    INVARIANT(at + total + now->size == size);
    INVARIANT(blocks == 0 || size <= STN_RED_MAX_BYTES);
    for (size_t i = 0; i < blocks; at += headers[i++].length)
        INVARIANT(was_pushed(past, count, now->timestamp - headers[i].offset, red + at, headers[i].length));
    INVARIANT(now->size == 0 || memcmp(red + at, now->bytes, now->size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct stn_red_history history;
    struct past past[KEPT] = {{0}};
    uint64_t timestamp = take32(&input);
    stn_red_init(&history);
    for (size_t step = 0; step < 12 && input.size > 0; step++) {
        uint8_t red[ROOM], payload_type = take8(&input) & 0x7F;
        uint32_t depth = take8(&input) % 4;
        size_t capacity = take16(&input) % ROOM, length = take16(&input) % 1300;
        timestamp += take16(&input);
        struct past now = {.timestamp = timestamp};
        now.bytes = take_bytes(&input, length, &now.size);
        const struct stn_slice payload = {now.bytes, now.size};
        size_t built = stn_red_build(&history, depth, payload_type, timestamp, payload, red, capacity);
        INVARIANT(built <= capacity && (built > 0) == (capacity >= now.size + 1));
        if (built > 0)
            check_built(red, built, past, KEPT, &now, payload_type);
        stn_red_push(&history, timestamp, payload);
        free(past[step % KEPT].bytes);
        past[step % KEPT] = now;
    }
    for (size_t i = 0; i < KEPT; i++)
        free(past[i].bytes);
    return 0;
}

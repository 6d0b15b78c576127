/* Invariant: whatever the frames, the targets and the clock, every frame that was ahead of the one before leaves
 * exactly once, in order and bit for bit; sequence numbers and losses add up; no merged packet is longer than 1,150
 * bytes or 120 ms. */
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "stn_elastic.h"

struct ledger {
    uint64_t frames; /* left the merger */
    uint64_t hash;   /* of the Opus frames that left */
    uint64_t next;   /* sequence after the last packet */
    bool began;
};

static uint64_t fold(uint64_t hash, const uint8_t *bytes, size_t size)
{
    hash = (hash ^ size) * UINT64_C(0x100000001b3);
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* Of the frames in a payload, however they are packed. */
static uint64_t fold_payload(uint64_t hash, struct stn_slice payload)
{
    struct stn_opus_frames frames;
    if (!stn_opus_split(payload, &frames))
        return fold(hash, payload.data, payload.len);
    for (size_t i = 0, at = 0; i < frames.toc.frame_count; at += frames.sizes[i++])
        hash = fold(hash, frames.first + at, frames.sizes[i]);
    return hash;
}

static void emit(void *context, const struct stn_merged *packet)
{
    struct ledger *ledger = context;
    INVARIANT(packet->program_frames > 0);
    INVARIANT(packet->program_frames == 1 || packet->payload.len <= STN_ELASTIC_MAX_BYTES);
    INVARIANT(packet->duration <= STN_OPUS_MAX_SAMPLES);
    INVARIANT(packet->duration == stn_opus_duration(packet->payload) || packet->duration == 0);
    if (ledger->began)
        INVARIANT(packet->sequence == ledger->next + packet->lost);
    ledger->began = true;
    ledger->next = packet->sequence + packet->program_frames;
    ledger->frames += packet->program_frames;
    ledger->hash = fold_payload(ledger->hash, packet->payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t ptimes[] = {20, 40, 60, 120};
    static struct stn_merger merger;
    static struct stn_hold hold;
    struct input input = {data, size};
    struct ledger ledger = {0};
    uint64_t sequence = 1, timestamp = 0, fed = 0, hash = 0;
    uint8_t settings = take8(&input);
    stn_merger_init(&merger, settings & 7, ptimes[settings >> 3 & 3], ptimes[settings >> 5 & 3],
                    settings & 0x80 ? &hold : NULL);
    while (input.size > 0) {
        uint8_t what = take8(&input);
        timestamp += (what & 0x10) ? take16(&input) : 960;
        if ((what & 0xE0) == 0xE0) {
            stn_merger_set_target(&merger, ptimes[what & 3], (what & 4) != 0);
        } else if ((what & 0xE0) == 0xC0) {
            stn_merger_advance(&merger, timestamp, emit, &ledger);
        } else {
            size_t length, wanted = (what & 0x80) ? take16(&input) % 1500 : take8(&input) % 24;
            uint8_t *bytes = take_bytes(&input, wanted, &length);
            struct stn_slice payload = {bytes, length};
            uint64_t step = (what & 0x40) ? take8(&input) % 4 : 1;
            sequence += step;
            if (step > 0 || fed == 0) {
                hash = fold_payload(hash, payload);
                fed++;
            }
            stn_merger_feed(&merger, sequence, timestamp, payload, emit, &ledger);
            free(bytes);
        }
    }
    stn_merger_flush(&merger, emit, &ledger);
    INVARIANT(ledger.frames == fed);
    INVARIANT(ledger.hash == hash);
    INVARIANT(stn_merger_due(&merger) == STN_ELASTIC_NEVER);
    return 0;
}

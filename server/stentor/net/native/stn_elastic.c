#include "stn_elastic.h"

#include <string.h>

#define TICK 960                        /* samples: 20 ms */
#define CYCLE (STN_ELASTIC_LANES * TICK) /* samples: after it the slots of all levels begin together again */
#define PER_MS 48                       /* samples */

static const uint32_t LEVELS[4] = {120, 60, 40, 20}; /* ms; each divides 120 */

uint32_t stn_effective_ptime(uint32_t ptime, uint32_t maxptime)
{
    uint32_t wanted = ptime < maxptime ? ptime : maxptime;
    for (size_t i = 0; i < 3; i++)
        if (LEVELS[i] <= wanted)
            return LEVELS[i];
    return LEVELS[3];
}

void stn_merger_init(struct stn_merger *merger, uint32_t phase, uint32_t ptime, uint32_t maxptime,
                     struct stn_hold *hold)
{
    memset(merger, 0, sizeof *merger);
    merger->phase = phase % STN_ELASTIC_LANES;
    merger->maxptime = maxptime;
    merger->hold = hold;
    if (hold != NULL)
        stn_hold_init(hold);
    stn_merger_set_target(merger, ptime, false);
}

void stn_merger_set_target(struct stn_merger *merger, uint32_t ptime, bool holding)
{
    merger->ptime = stn_effective_ptime(ptime, merger->maxptime);
    merger->holding = holding && merger->hold != NULL;
}

/* A finished packet leaves, or waits for its time. */
static void leave(struct stn_merger *merger, const struct stn_merged *packet, stn_emit emit, void *context)
{
    if (merger->holding)
        stn_hold_push(merger->hold, packet, emit, context);
    else
        emit(context, packet);
}

/* The packet being collected leaves. */
static void finish(struct stn_merger *merger, stn_emit emit, void *context)
{
    uint8_t out[STN_ELASTIC_MAX_BYTES];
    struct stn_merged packet = merger->held;
    packet.payload = (struct stn_slice){merger->bytes, merger->used};
    if (packet.program_frames > 1) {
        packet.payload.data = out;
        packet.payload.len = stn_opus_pack(merger->toc.head, merger->sizes, merger->toc.frame_count,
                                           merger->bytes, out, sizeof out);
    }
    merger->held.program_frames = 0;
    leave(merger, &packet, emit, context);
}

/* Whether these frames may join the packet being collected; `sizes` is those of both when they may. */
static bool takes(const struct stn_merger *merger, const struct stn_opus_frames *parts, uint32_t duration,
                  uint16_t sizes[STN_OPUS_MAX_FRAMES])
{
    size_t count = merger->toc.frame_count;
    if (parts->toc.head != merger->toc.head || merger->held.duration + duration > merger->limit)
        return false; /* one limit is 120 ms, so there is room in sizes */
    memcpy(sizes, merger->sizes, count * sizeof *sizes);
    memcpy(sizes + count, parts->sizes, parts->toc.frame_count * sizeof *sizes);
    return stn_opus_packed_size(sizes, count + parts->toc.frame_count) <= STN_ELASTIC_MAX_BYTES;
}

static void join(struct stn_merger *merger, const struct stn_opus_frames *parts, uint32_t duration,
                 const uint16_t sizes[STN_OPUS_MAX_FRAMES])
{
    if (merger->held.program_frames == 1) { /* the first packet as it came: from now on its frames alone */
        struct stn_opus_frames first;
        stn_opus_split((struct stn_slice){merger->bytes, merger->used}, &first);
        memmove(merger->bytes, first.first, first.bytes);
        merger->used = first.bytes;
    }
    memcpy(merger->bytes + merger->used, parts->first, parts->bytes);
    merger->used += parts->bytes;
    merger->toc.frame_count = (uint8_t)(merger->toc.frame_count + parts->toc.frame_count);
    memcpy(merger->sizes, sizes, merger->toc.frame_count * sizeof *sizes);
    merger->held.duration += duration;
    merger->held.program_frames++;
}

/* A packet of its own for this frame: it leaves at once when nothing can follow in it. */
static void begin(struct stn_merger *merger, struct stn_merged packet, const struct stn_opus_frames *parts,
                  stn_emit emit, void *context)
{
    uint32_t slot = merger->ptime * PER_MS;
    uint64_t into_slot = (packet.timestamp + CYCLE - (uint64_t)merger->phase * TICK) % slot;
    merger->until = packet.timestamp + slot - into_slot;
    merger->limit = slot;
    if (merger->maxptime < merger->ptime) /* a client that takes less than 20 ms */
        merger->limit = merger->maxptime * PER_MS;
    if (parts == NULL || packet.timestamp + packet.duration >= merger->until ||
        2 * packet.duration > merger->limit || packet.payload.len > sizeof merger->bytes) {
        leave(merger, &packet, emit, context);
        return;
    }
    merger->held = packet;
    merger->toc = parts->toc;
    memcpy(merger->sizes, parts->sizes, parts->toc.frame_count * sizeof *merger->sizes);
    memcpy(merger->bytes, packet.payload.data, packet.payload.len);
    merger->used = packet.payload.len;
}

/* What has waited long enough leaves: all of it when nothing is held any more. */
static void release(struct stn_merger *merger, uint64_t timestamp, stn_emit emit, void *context)
{
    if (merger->hold == NULL)
        return;
    if (merger->holding)
        stn_hold_release(merger->hold, timestamp, emit, context);
    else
        stn_hold_clear(merger->hold, emit, context);
}

void stn_merger_feed(struct stn_merger *merger, uint64_t sequence, uint64_t timestamp,
                     struct stn_slice payload, stn_emit emit, void *context)
{
    if (merger->started && sequence <= merger->sequence)
        return;
    struct stn_merged packet = {
        .sequence = sequence,
        .timestamp = timestamp,
        .lost = merger->started ? sequence - merger->sequence - 1 : 0,
        .program_frames = 1,
        .payload = payload,
    };
    merger->started = true;
    merger->sequence = sequence;
    if (!merger->holding) /* what waited since the hold was on is older than all that follows */
        release(merger, timestamp, emit, context);

    struct stn_opus_frames split, *parts = stn_opus_split(payload, &split) ? &split : NULL;
    if (parts != NULL)
        packet.duration = (uint32_t)split.toc.frame_count * split.toc.frame_samples;
    struct stn_merged *held = &merger->held;
    uint16_t sizes[STN_OPUS_MAX_FRAMES];
    bool joins = held->program_frames > 0 && parts != NULL && packet.lost == 0 &&
                 timestamp == held->timestamp + held->duration && timestamp < merger->until &&
                 takes(merger, parts, packet.duration, sizes);
    if (joins) {
        join(merger, parts, packet.duration, sizes);
        if (held->timestamp + held->duration >= merger->until ||
            held->duration + packet.duration > merger->limit)
            finish(merger, emit, context);
    } else {
        if (held->program_frames > 0)
            finish(merger, emit, context);
        begin(merger, packet, parts, emit, context);
    }
    if (merger->holding)
        release(merger, timestamp, emit, context);
}

void stn_merger_advance(struct stn_merger *merger, uint64_t timestamp, stn_emit emit, void *context)
{
    if (!merger->holding)
        release(merger, timestamp, emit, context);
    if (merger->held.program_frames > 0 && timestamp >= merger->until)
        finish(merger, emit, context);
    if (merger->holding)
        release(merger, timestamp, emit, context);
}

void stn_merger_flush(struct stn_merger *merger, stn_emit emit, void *context)
{
    bool holding = merger->holding;
    merger->holding = false; /* what is finished below leaves at once, behind what waits */
    release(merger, 0, emit, context);
    if (merger->held.program_frames > 0)
        finish(merger, emit, context);
    merger->holding = holding;
}

uint64_t stn_merger_due(const struct stn_merger *merger)
{
    uint64_t due = merger->held.program_frames > 0 ? merger->until : STN_ELASTIC_NEVER;
    if (merger->hold != NULL && merger->hold->count > 0) {
        uint64_t leaves = merger->hold->packets[0].timestamp + (merger->holding ? STN_HOLD_SAMPLES : 0);
        due = leaves < due ? leaves : due;
    }
    return due;
}

uint64_t stn_merger_ends_with(const struct stn_merger *merger, uint32_t duration)
{
    if (merger->holding || (merger->hold != NULL && merger->hold->count > 0))
        return 0;
    uint64_t end = merger->held.program_frames > 0 ? merger->until : merger->until + merger->ptime * PER_MS;
    return end > duration ? end - duration : 0;
}

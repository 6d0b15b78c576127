/* Rate limits in constant memory: a bucket (GCRA) and a count-min sketch (Cormode and Muthukrishnan, 2005). */
#include "stn_gate.h"

#include <string.h>

#define SECOND INT64_C(1000000000)

void stn_bucket_init(struct stn_bucket *bucket, int64_t rate, int64_t burst)
{
    bucket->interval = SECOND / rate;
    bucket->depth = bucket->interval * burst;
    bucket->full_at = INT64_MIN;
}

bool stn_bucket_take(struct stn_bucket *bucket, int64_t now)
{
    int64_t full_at = bucket->full_at > now ? bucket->full_at : now;
    if (full_at - now + bucket->interval > bucket->depth)
        return false;
    bucket->full_at = full_at + bucket->interval;
    return true;
}

void stn_sketch_init(struct stn_sketch *sketch, const uint8_t seed[16], int64_t now)
{
    memset(sketch, 0, sizeof *sketch);
    memcpy(sketch->seed, seed, sizeof sketch->seed);
    sketch->window = now;
}

static uint64_t mix(uint64_t value)
{
    /* The finaliser of splitmix64: every bit of the input reaches every bit of the output. */
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

/* 64 bits, of which each row of the sketch takes its own 12. */
static uint64_t hash(const struct stn_sketch *sketch, enum stn_gate_key kind, const uint8_t *key, size_t size)
{
    uint64_t seed[2], word, state;
    memcpy(seed, sketch->seed, sizeof seed);
    state = mix(seed[0] ^ (uint64_t)kind);
    for (size_t at = 0; at < size; at += sizeof word) {
        size_t part = size - at < sizeof word ? size - at : sizeof word;
        word = 0;
        memcpy(&word, key + at, part);
        state = mix(state ^ word) + seed[1];
    }
    return mix(state);
}

bool stn_sketch_take(struct stn_sketch *sketch, enum stn_gate_key kind, const uint8_t *key, size_t size,
                     unsigned limit, int64_t now)
{
    if (now - sketch->window >= SECOND) {
        memset(sketch->cells, 0, sizeof sketch->cells);
        sketch->window = now;
    }
    uint64_t bits = hash(sketch, kind, key, size);
    uint16_t *cells[STN_SKETCH_DEPTH];
    unsigned least = UINT16_MAX;
    for (int row = 0; row < STN_SKETCH_DEPTH; row++, bits >>= 16) {
        cells[row] = &sketch->cells[row][bits & (STN_SKETCH_WIDTH - 1)];
        if (*cells[row] < least)
            least = *cells[row];
    }
    if (least >= limit)
        return false;
    for (int row = 0; row < STN_SKETCH_DEPTH; row++)
        if (*cells[row] == least) /* conservative update: only the cells that decide the count */
            (*cells[row])++;
    return true;
}

void stn_gate_init(struct stn_gate *gate, const uint8_t seed[16], int64_t now)
{
    stn_bucket_init(&gate->contacts, STN_GATE_CONTACTS, STN_GATE_BURST);
    stn_bucket_init(&gate->strangers, STN_GATE_STRANGERS, STN_GATE_STRANGERS);
    stn_sketch_init(&gate->sketch, seed, now);
}

bool stn_gate_prefix(struct stn_gate *gate, const struct stn_address *from, int64_t now)
{
    bool ipv4 = stn_is_ipv4(from->ip);
    return stn_sketch_take(&gate->sketch, STN_GATE_PREFIX, from->ip, ipv4 ? 15 : 6, STN_GATE_PER_PREFIX, now);
}

bool stn_gate_address(struct stn_gate *gate, const struct stn_address *from, unsigned limit, int64_t now)
{
    return stn_sketch_take(&gate->sketch, STN_GATE_ADDRESS, (const uint8_t *)from, sizeof *from, limit, now);
}

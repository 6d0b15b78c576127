#include "swarm_reception.h"

#include <string.h>

static const int64_t NEVER = INT64_MAX, SECOND = 1000000000, LATE = 20000000;
enum { SEEN = 128, BASELINE_SECONDS = 30, LONGEST = 5760 /* 120 ms at 48 kHz */ };

static void baseline_reset(swarm_baseline *b)
{
    b->best = b->best_before = NEVER;
    b->window_ends = 0;
}

/* How much longer than the quickest packet this one took. */
static int64_t behind(swarm_baseline *b, int64_t transit, int64_t arrival)
{
    if (arrival >= b->window_ends) {
        b->best_before = b->best;
        b->best = NEVER;
        b->window_ends = arrival + BASELINE_SECONDS * SECOND;
    }
    if (transit < b->best)
        b->best = transit;
    return transit - (b->best < b->best_before ? b->best : b->best_before);
}

static void count(swarm_histogram *h, int64_t late)
{
    int64_t bucket = late / 1000000;
    h->counts[bucket < SWARM_LATE_BUCKETS ? bucket : SWARM_LATE_BUCKETS - 1]++;
}

void swarm_program_reset(swarm_program *p)
{
    baseline_reset(&p->baseline);
    swarm_program_mark(p);
}

void swarm_program_mark(swarm_program *p)
{
    memset(&p->own, 0, sizeof p->own);
    memset(&p->shared, 0, sizeof p->shared);
}

void swarm_reception_reset(swarm_reception *r)
{
    memset(r, 0, sizeof *r);
    baseline_reset(&r->baseline);
}

void swarm_reception_mark(swarm_reception *r)
{
    r->packets = r->duplicates = r->backwards = r->late = r->longest_gap = r->bytes = 0;
    r->reported_expected = r->reported_packets = 0;
    r->first = r->highest + 1;
}

int64_t swarm_extend(int64_t near, uint32_t value, unsigned bits)
{
    int64_t span = (int64_t)1 << bits, half = span / 2;
    int64_t step = ((int64_t)value - near) & (span - 1); /* two's complement: right for negative `near` too */
    return near + (step >= half ? step - span : step);
}

uint64_t swarm_expected(const swarm_reception *r)
{
    return r->started && r->highest >= r->first ? (uint64_t)(r->highest - r->first + 1) : 0;
}

/* Shifts the window up to a newer packet. */
static void advance(swarm_reception *r, int64_t steps)
{
    if (steps >= SEEN) {
        r->seen[0] = r->seen[1] = 0;
    } else if (steps >= 64) {
        r->seen[1] = r->seen[0] << (steps - 64);
        r->seen[0] = 0;
    } else {
        r->seen[1] = r->seen[1] << steps | r->seen[0] >> (64 - steps);
        r->seen[0] <<= steps;
    }
    r->seen[0] |= 1;
    r->highest += steps;
}

/* Notes the packet as seen; 0 for a duplicate, and for one too old to tell. */
static int note(swarm_reception *r, int64_t sequence)
{
    int64_t age = r->highest - sequence;
    if (age < 0) {
        advance(r, -age);
        return 1;
    }
    if (age >= SEEN || r->seen[age / 64] >> (age % 64) & 1)
        return 0;
    r->seen[age / 64] |= (uint64_t)1 << (age % 64);
    return 1;
}

static void jitter(swarm_reception *r, int64_t transit)
{
    int64_t d = transit - r->transit; /* ns */
    uint32_t units = (uint32_t)((d < 0 ? -d : d) / 20833);
    if (units < 48000)
        r->jitter += units - ((r->jitter + 8) >> 4);
    r->transit = transit;
}

/* A packet is due when its last frame is complete: of two packets of one stream the shorter one may come earlier. */
static void judge(swarm_reception *r, swarm_program *p, int64_t timestamp, int64_t arrival)
{
    int64_t end = timestamp + r->duration;
    int64_t late = behind(&r->baseline, arrival - end * 62500 / 3, arrival); /* 48 kHz (RFC 7587 section 4.1) in ns */
    r->late += late >= LATE;
    count(&p->own, late);
    /* The shared baseline needs the program's timestamps, not each listener's own extension of them. */
    count(&p->shared, behind(&p->baseline, arrival - (int64_t)(uint32_t)end * 62500 / 3, arrival));
}

/* The packet that was the newest until now: where this one begins, it ended. */
static void judge_held(swarm_reception *r, swarm_program *p, int64_t sequence)
{
    int64_t length = r->timestamp - r->held_timestamp;
    if (r->held && sequence == r->held_sequence + 1 && length > 0 && length <= LONGEST)
        r->duration = length;
    if (r->held)
        judge(r, p, r->held_timestamp, r->held_arrival);
    r->held = 1;
    r->held_sequence = sequence;
    r->held_timestamp = r->timestamp;
    r->held_arrival = r->arrival;
}

int swarm_receive(swarm_reception *r, swarm_program *p, int64_t sequence, uint32_t timestamp, int64_t arrival,
                  size_t bytes)
{
    int newest = 1;
    if (!r->started) {
        r->started = 1;
        r->highest = r->first = sequence;
        r->seen[0] = 1;
        r->timestamp = timestamp;
        r->arrival = r->started_at = arrival;
        r->transit = arrival - (int64_t)timestamp * 62500 / 3;
    } else {
        int64_t extended = swarm_extend(r->timestamp, timestamp, 32);
        newest = sequence > r->highest;
        if (!note(r, sequence)) {
            r->duplicates++;
            return 0;
        }
        if (newest && extended < r->timestamp)
            r->backwards++;
        r->timestamp = extended;
        if (arrival - r->arrival > (int64_t)r->longest_gap)
            r->longest_gap = (uint64_t)(arrival - r->arrival);
        r->arrival = arrival;
    }
    if (sequence >= r->first)
        r->packets++;
    r->bytes += bytes;
    int64_t transit = arrival - r->timestamp * 62500 / 3; /* 48 kHz (RFC 7587 section 4.1) in ns */
    jitter(r, transit);
    if (newest)
        judge_held(r, p, sequence);
    else
        judge(r, p, r->timestamp, arrival);
    return 1;
}

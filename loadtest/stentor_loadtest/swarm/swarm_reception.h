/* What one listener received: loss, lateness, gaps. Headers only, so that it is cheap for every packet. */
#ifndef SWARM_RECEPTION_H
#define SWARM_RECEPTION_H
#include <stddef.h>
#include <stdint.h>

enum { SWARM_LATE_BUCKETS = 5001 };

typedef struct {
    uint64_t counts[SWARM_LATE_BUCKETS]; /* per millisecond */
} swarm_histogram;

/* The smallest transit of the last 30 to 60 seconds, so that clock drift is not called lateness. */
typedef struct {
    int64_t best, best_before, window_ends;
} swarm_baseline;

typedef struct {
    int64_t highest, first, timestamp; /* extended: they never wrap */
    uint64_t seen[2];                  /* bit n: packet highest - n is here */
    swarm_baseline baseline;
    int64_t arrival, started_at, transit;
    int64_t held_sequence, held_timestamp, held_arrival, duration; /* the newest packet, until its end is known */
    uint64_t packets, duplicates, backwards, late, longest_gap, bytes;
    int64_t reported_expected, reported_packets;
    uint32_t ssrc, jitter; /* jitter times 16, in timestamp units (RFC 3550 A.8) */
    int started, held;
} swarm_reception;

/* What is shared by all listeners of a program. */
typedef struct {
    swarm_histogram own, shared;
    swarm_baseline baseline;
} swarm_program;

void swarm_program_reset(swarm_program *p); /* before the first packet */
void swarm_program_mark(swarm_program *p);
void swarm_reception_reset(swarm_reception *r);
void swarm_reception_mark(swarm_reception *r);
int64_t swarm_extend(int64_t near, uint32_t value, unsigned bits);
/* Counts one packet whose extended sequence number is known; arrival in ns. 0 for a duplicate. */
int swarm_receive(swarm_reception *r, swarm_program *p, int64_t sequence, uint32_t timestamp, int64_t arrival,
                  size_t bytes);
uint64_t swarm_expected(const swarm_reception *r);
#endif

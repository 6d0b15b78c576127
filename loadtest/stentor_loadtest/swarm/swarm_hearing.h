/* What one listener hears, by whichever of its sessions: two of them overlap while it moves to another shard. */
#ifndef SWARM_HEARING_H
#define SWARM_HEARING_H
#include <stdint.h>

enum { SWARM_SILENCES = 16 };

typedef struct {
    int64_t begin, end; /* arrival of the packets on both sides, CLOCK_REALTIME in ns */
} swarm_silence;

/* A gap is a time between two packets that is more than 60 ms longer than the packets are. */
typedef struct {
    int64_t first, newest; /* arrivals; 0 before the first */
    uint64_t gaps, lost_ns, longest_gap;
    swarm_silence silences[SWARM_SILENCES]; /* the first so many gaps */
} swarm_hearing;

/* A packet arrived; `usual` is how long packets are now, in ns. */
void swarm_hear(swarm_hearing *h, int64_t arrival, int64_t usual);
void swarm_hearing_mark(swarm_hearing *h);
#endif

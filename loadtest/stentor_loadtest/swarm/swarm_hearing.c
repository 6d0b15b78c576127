#include "swarm_hearing.h"

#include <string.h>

static const int64_t BEARABLE = 60000000; /* what a jitter buffer hides; more is heard */

void swarm_hear(swarm_hearing *h, int64_t arrival, int64_t usual)
{
    if (h->first == 0)
        h->first = h->newest = arrival;
    int64_t gap = arrival - h->newest;
    if (gap <= 0)
        return; /* of two sessions at the same time */
    if ((uint64_t)gap > h->longest_gap)
        h->longest_gap = (uint64_t)gap;
    if (gap > usual + BEARABLE) {
        if (h->gaps < SWARM_SILENCES)
            h->silences[h->gaps] = (swarm_silence){h->newest, arrival};
        h->gaps++;
        h->lost_ns += (uint64_t)(gap - usual);
    }
    h->newest = arrival;
}

void swarm_hearing_mark(swarm_hearing *h)
{
    h->gaps = h->lost_ns = h->longest_gap = 0;
    memset(h->silences, 0, sizeof h->silences);
}

/* Program frames in, longer packets out: core/opus/elastic.py in C, which has the rules.
 *
 * One merger serves the listeners of one event that share phase and maxptime class. Pure: storage is the
 * caller's, time is the program's timestamp. Packets go to `emit`, in order (see stn_hold.h).
 */
#ifndef STN_ELASTIC_H
#define STN_ELASTIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stn_hold.h"
#include "stn_opus.h"
#include "stn_slice.h"

#define STN_ELASTIC_MAX_BYTES 1150 /* of a merged packet: with SRTP, UDP and IPv6 below 1,280 */
#define STN_ELASTIC_LANES 6        /* phases 0 to 5 are even over 1, 2, 3 and 6 ticks to a packet */
#define STN_ELASTIC_NEVER UINT64_MAX /* no program timestamp */

struct stn_merger {
    uint32_t phase;
    uint32_t ptime;
    uint32_t maxptime;
    bool holding;
    struct stn_hold *hold; /* NULL: packets leave when they are finished */
    bool started;          /* a frame has been fed */
    uint64_t sequence;     /* of the last frame fed */
    /* The packet being collected; none while held.program_frames is 0. */
    struct stn_merged held; /* its payload is set when it leaves */
    uint64_t until;         /* program timestamp at which its slot ends */
    uint32_t limit;         /* samples it may last */
    struct stn_opus_toc toc; /* of all its frames; frame_count is their number so far */
    uint16_t sizes[STN_OPUS_MAX_FRAMES];
    size_t used;
    uint8_t bytes[STN_ELASTIC_MAX_BYTES]; /* the first packet as it came; from the second on frames alone */
};

/* `phase` 0 to 5 (greater ones count modulo 6), `ptime` and `maxptime` in ms. `hold` is storage for the
 * constant hold, or NULL for a merger that never holds. */
void stn_merger_init(struct stn_merger *merger, uint32_t phase, uint32_t ptime, uint32_t maxptime,
                     struct stn_hold *hold);

/* Other ptime and hold from the next packet on; the one being collected is finished as it began. */
void stn_merger_set_target(struct stn_merger *merger, uint32_t ptime, bool holding);

/* As Merger.feed. A sequence that is not ahead of the last is ignored. */
void stn_merger_feed(struct stn_merger *merger, uint64_t sequence, uint64_t timestamp,
                     struct stn_slice payload, stn_emit emit, void *context);

/* As Merger.advance: the program's clock shows `timestamp` and no frame has come. */
void stn_merger_advance(struct stn_merger *merger, uint64_t timestamp, stn_emit emit, void *context);

/* As Merger.flush: everything leaves now. */
void stn_merger_flush(struct stn_merger *merger, stn_emit emit, void *context);

/* Program timestamp at which stn_merger_advance has something to do, STN_ELASTIC_NEVER without one. */
uint64_t stn_merger_due(const struct stn_merger *merger);

/* Timestamp of the frame with which the next packet leaves, should all be `duration` long and none make it leave early;
 * 0 while each is given out by the clock. */
uint64_t stn_merger_ends_with(const struct stn_merger *merger, uint32_t duration);

/* The longest of 20, 40, 60 and 120 ms within both, at least 20. */
uint32_t stn_effective_ptime(uint32_t ptime, uint32_t maxptime);

#endif

/* The constant hold: core/opus/hold.py in C, which says what it is for. Storage is the caller's. */
#ifndef STN_HOLD_H
#define STN_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stn_slice.h"

/* What leaves the merger: core/opus/merged_packet.py. */
struct stn_merged {
    uint64_t sequence;       /* program sequence of its first frame */
    uint64_t timestamp;      /* program timestamp of its first frame */
    uint64_t lost;           /* program frames missing right before it */
    uint32_t duration;       /* samples at 48 kHz; 0 when the payload is not Opus */
    uint32_t program_frames; /* how many it holds */
    struct stn_slice payload;
};

/* Takes one packet that leaves. It must not call the merger; what it points at is good during the call. */
typedef void (*stn_emit)(void *context, const struct stn_merged *packet);

#define STN_HOLD_SAMPLES 4800 /* 100 ms: how old the first frame of a 120 ms packet is when its last comes */
#define STN_HOLD_PACKETS 48   /* 100 ms of 2.5 ms frames of changing configuration, and some */
#define STN_HOLD_BYTES 8192   /* 100 ms at 510 kbit/s is 6,375 */

/* Finished packets that wait until their first frame is 100 ms old. */
struct stn_hold {
    size_t count;
    size_t used;
    struct stn_merged packets[STN_HOLD_PACKETS]; /* oldest first; of payload only the length counts */
    uint8_t bytes[STN_HOLD_BYTES];               /* their payloads, one after another */
};

void stn_hold_init(struct stn_hold *hold);

/* Take a packet; the oldest leave early when there is no room. */
void stn_hold_push(struct stn_hold *hold, const struct stn_merged *packet, stn_emit emit, void *context);

/* Let go what is old enough when the program's clock shows `timestamp`. */
void stn_hold_release(struct stn_hold *hold, uint64_t timestamp, stn_emit emit, void *context);

/* Let go everything. */
void stn_hold_clear(struct stn_hold *hold, stn_emit emit, void *context);

#endif

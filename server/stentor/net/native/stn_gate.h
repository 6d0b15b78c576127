/* How much of what strangers send may go up to Python: the native front of core/webrtc/half_open.py.
 *
 * Python bounds the handshakes under way. Here only rates are bounded, before anything reaches a ring, in
 * constant memory: a token bucket for all, and a count-min sketch for each prefix, session and address.
 */
#ifndef STN_GATE_H
#define STN_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stn_address.h"

#define STN_GATE_CONTACTS 2000    /* a second, sustained: twice what Python admits, for clients that repeat */
#define STN_GATE_BURST 4000       /* at once */
#define STN_GATE_PER_PREFIX 1500  /* a second: an office behind one address, never the whole door */
#define STN_GATE_PER_SESSION 16   /* a second: a client repeats a check each 50 ms until it is answered */
#define STN_GATE_PER_NEW 3        /* a second of these before Python knows it: repeats of many who wait for their turn
                                     would take the place of others' first */
#define STN_GATE_STRANGERS 1000   /* a second: unverified requests for the other tables of the process */
#define STN_GATE_PER_ROW 64       /* DTLS datagrams a second from one listener: a handshake has six */
#define STN_GATE_PER_ADDRESS 1000 /* datagrams a second from an address of Python's: 2.5 ms frames are 400 */

#define STN_SKETCH_DEPTH 4
#define STN_SKETCH_WIDTH 4096 /* a power of two: 16,000 events a second overcount one by four */

/* A bucket that refills at a rate, kept as the time at which it will be full again (GCRA). */
struct stn_bucket {
    int64_t interval; /* ns for one token */
    int64_t full_at;
    int64_t depth; /* ns of tokens it holds */
};

void stn_bucket_init(struct stn_bucket *bucket, int64_t rate, int64_t burst);
bool stn_bucket_take(struct stn_bucket *bucket, int64_t now);

/* Counts of the current second by key; never too low, and too high only where all four cells collide. */
struct stn_sketch {
    uint8_t seed[16]; /* secret: nobody can choose keys that collide */
    int64_t window;   /* when the current second began */
    uint16_t cells[STN_SKETCH_DEPTH][STN_SKETCH_WIDTH];
};

enum stn_gate_key { STN_GATE_PREFIX = 1, STN_GATE_SESSION = 2, STN_GATE_ADDRESS = 3 };

void stn_sketch_init(struct stn_sketch *sketch, const uint8_t seed[16], int64_t now);

/* Count one more for the key unless there are `limit` in this second already; false then. */
bool stn_sketch_take(struct stn_sketch *sketch, enum stn_gate_key kind, const uint8_t *key, size_t size,
                     unsigned limit, int64_t now);

struct stn_gate {
    struct stn_bucket contacts;
    struct stn_bucket strangers;
    struct stn_sketch sketch;
};

void stn_gate_init(struct stn_gate *gate, const uint8_t seed[16], int64_t now);

/* The same for the /24 (IPv4) or /48 (IPv6) of an address, and for the address with its port. */
bool stn_gate_prefix(struct stn_gate *gate, const struct stn_address *from, int64_t now);
bool stn_gate_address(struct stn_gate *gate, const struct stn_address *from, unsigned limit, int64_t now);

#endif

/* What the parts of the media core share. One `struct stn_core` is one shard's port.
 *
 * Threads: everything in here belongs to the media thread (or, in step mode, to whoever calls `stn_step`),
 * except what a comment gives to the API side (Python's thread). The two meet in the command queue, the up
 * rings and the counters only.
 */
#ifndef STN_CORE_H
#define STN_CORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stn_address.h"
#include "stn_crypto.h"
#include "stn_drops.h"
#include "stn_ice.h"
#include "stn_loss.h"
#include "stn_rings.h"
#include "stn_srtp.h"

#define STN_EVENT_KEY 8
#define STN_SESSION 8
#define STN_MAX_DATAGRAM 2048   /* nothing legitimate is larger than a path's 1,500 bytes */
#define STN_MAX_LOCAL_SHARDS 16 /* session tables in Python behind the same port */

typedef struct stn_core stn_core;
struct stn_lane;
struct stn_group;
struct stn_sender;
struct stn_receive;
struct stn_capture;
struct stn_trunk;

/* A number that one thread writes and another may read at any time. */
typedef _Atomic uint64_t stn_counter;
typedef _Atomic uint32_t stn_gauge;

static inline void stn_count(stn_counter *counter, uint64_t more)
{
    /* One writer: no atomic addition is needed, only that readers never see half a word. */
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more, memory_order_relaxed);
}

static inline void stn_counter_set(stn_counter *counter, uint64_t value)
{
    atomic_store_explicit(counter, value, memory_order_relaxed);
}

static inline void stn_set(stn_gauge *gauge, uint32_t value)
{
    atomic_store_explicit(gauge, value, memory_order_relaxed);
}

/* The last receiver report of a listener (RFC 3550 section 6.4.1). */
struct stn_report_state {
    stn_gauge count;         /* reports about our stream so far */
    stn_gauge fraction_lost; /* of 256 */
    stn_gauge lost;          /* signed 24 bits, sign extended */
    stn_gauge highest;       /* extended highest sequence number */
    stn_gauge jitter;        /* in timestamp units */
    stn_counter at; /* ns, when it came */
};

/* All that a packet touches of a listener. Apart from the rest, and side by side (stn_targets.h), because memory is
 * slower than the cipher. */
struct stn_target {
    struct stn_srtp_sender rtp;
    uint64_t base;          /* SRTP index of a packet = base + the lane's number of it */
    uint64_t first;         /* lane number of the first packet it gets */
    struct stn_address to;  /* where media goes */
    struct stn_source from; /* our address it leaves from... */
    struct stn_row *row;
    uint32_t ssrc;
    uint8_t payload_type;
    uint8_t red_type; /* 255: it did not offer RED */
    bool red;         /* it gets RED now */
    bool told;        /* ...which the kernel has to be told; see stn_route.h */
    stn_gauge packets;
    stn_gauge octets;
};

_Static_assert(sizeof(struct stn_target) == 192, "three lines of memory");

/* One seated listener. */
struct stn_row {
    struct stn_target *target;
    bool known;       /* found by session and address: the receive side is native */
    bool seated;      /* false once it was closed: it is in no lane and in no index */
    bool confirmed;     /* authenticated RTCP has come; STN_NOTICE_CONFIRMED was given */
    uint8_t generation; /* newest ICE generation seen */

    struct stn_lane *lane;
    uint32_t position; /* in its lane */
    uint32_t handle;   /* Python's name for it */
    struct stn_row *next_of_session; /* chain of the session index */
    uint32_t slot;     /* in core->rows, for round robin timers */
    uint32_t rtcp_index;
    struct stn_srtcp_keys rtcp_out;
    struct stn_srtcp_keys rtcp_in;
    struct stn_replays replays;

    uint8_t session[STN_SESSION];
    struct stn_ice ice; /* connected from the start */
    struct stn_report_state report;
    struct stn_loss loss;
    uint64_t unsent; /* what the core had dropped at the last report */
};

/* Who a source address belongs to. */
struct stn_owner {
    struct stn_row *row; /* the listener at that address, or NULL */
    bool python;         /* Python asked for what comes from there (half-open sessions, publishers) */
};

enum stn_close_reason { STN_CLOSE_REMOVED = 0, STN_CLOSE_CONSENT = 1 };
enum stn_notice { STN_NOTICE_CONFIRMED = 1, STN_NOTICE_CLOSED = 2, STN_NOTICE_MOVED = 3 };

/* Why an RTP packet to a listener was not sent. */
enum stn_unsent { STN_UNSENT_FULL, STN_UNSENT_REFUSED, STN_UNSENT_LATE, STN_UNSENT_CIPHER, STN_UNSENT_COUNT };

#define STN_LATENESS_BUCKETS 12

struct stn_counters {
    stn_counter packets_sent;
    stn_counter octets_sent; /* of UDP payload */
    stn_counter unsent[STN_UNSENT_COUNT];
    stn_counter reports_sent;
    stn_counter frames;
    stn_counter frames_refused; /* not ahead of the one before, or larger than a datagram */
    stn_counter lateness[STN_LATENESS_BUCKETS]; /* packets by how late they left, see stn_lateness_limits */
    stn_counter lateness_max;                   /* ns, since the start */
    stn_counter send_calls;
    stn_counter datagrams_received;
    stn_counter dropped[STN_DROP_COUNT];
    stn_counter bindings;  /* answered in place */
    stn_counter contacts;  /* first contacts given up */
    stn_counter rtcp;      /* authenticated compound packets of rows */
    stn_counter moves;
    stn_counter consent_lost;
    stn_counter rows; /* seated now */
    stn_counter seats_refused; /* no memory to seat a row */
    /* Between nodes, apart from all of the above but `dropped`: */
    stn_counter trunk_datagrams;    /* received */
    stn_counter trunk_received;     /* authentic packets */
    stn_counter trunk_recovered;    /* frames that a later packet brought */
    stn_counter trunk_lost;         /* frames that no packet brought */
    stn_counter trunk_packets_sent;
    stn_counter trunk_octets_sent;
    stn_counter trunk_unsent;
};

extern const int64_t stn_lateness_limits[STN_LATENESS_BUCKETS]; /* ns, upper ends; the last is INT64_MAX */

struct stn_core {
    /* Fixed at the start. */
    uint32_t shard;
    uint8_t key_id;
    uint8_t secret[32]; /* seals capsules, derives ICE passwords */
    uint32_t local_shards[STN_MAX_LOCAL_SHARDS]; /* whose STUN goes up to Python unverified */
    uint32_t local_shard_count;
    int fd; /* the UDP socket */
    struct stn_capture *capture; /* instead of sending, for tests; else NULL */
    bool stepping; /* no thread: time is what `stn_step` is told */
    bool ipv6;

    struct stn_counters counters;
    struct stn_srtp_shared ciphers;
    struct stn_up_ring contacts;  /* verified first contacts */
    struct stn_up_ring datagrams; /* DTLS and all else for Python's tables */
    struct stn_up_ring notices;   /* enum stn_notice */
    int64_t consent_held_until;   /* nobody loses consent before: the kernel dropped datagrams */
    struct stn_receive *receive;  /* state of stn_receive.c (rate limits) */

    struct stn_row **rows; /* all seated, in no order */
    uint32_t row_count;
    uint32_t row_room;
    uint32_t timer_cursor; /* where stn_receive_timers goes on */

    struct stn_index *index;   /* addresses and sessions: stn_table.c */
    struct stn_sender *sender; /* groups, lanes, batches: stn_fanout.c, stn_send.c */
    struct stn_io *io;         /* recvmmsg and reply buffers: stn_io.c */
    struct stn_control *control; /* commands and thread: stn_thread.c */
    struct stn_trunk *trunk; /* other nodes: stn_trunk.c; NULL without a cluster socket */
};

/* -- given by stn_receive.c (N2) -------------------------------------------------------------------------- */

/* State for the limits on first contacts. 0, or -1 when there is no memory. */
int stn_receive_open(stn_core *core);
void stn_receive_close(stn_core *core);

/* Credentials of a capsule that Python has verified; left alone when it is none. API side. */
void stn_receive_login(const stn_core *core, const uint8_t ufrag[STN_CAPSULE_CHARS], struct stn_login *login);

/* Take one datagram that reached our address `local` from `from`. 0 when acted on, else -1 (and counted). */
int stn_receive_datagram(stn_core *core, const uint8_t *data, size_t len, const struct stn_address *from,
                         const struct stn_source *local, int64_t now_ns);

/* Consent, unconfirmed moves: a few rows of core->rows per call, round robin by core->timer_cursor. Called every
 * 20 ms; must come round all rows within about a second. */
void stn_receive_timers(stn_core *core, int64_t now_ns);

/* The kernel dropped `count` datagrams before us: hold consent for 10 s, count STN_DROP_RECEIVE_QUEUE. */
void stn_receive_overflow(stn_core *core, uint64_t count, int64_t now_ns);

/* -- given by stn_table.c --------------------------------------------------------------------------------- */

struct stn_owner stn_owner_of(const stn_core *core, const struct stn_address *address);

/* The address is the row's from now on, whoever had it. False when there is no memory. */
bool stn_claim(stn_core *core, const struct stn_address *address, struct stn_row *row);

/* The address is nobody's, if it was the row's. */
void stn_release(stn_core *core, const struct stn_address *address, const struct stn_row *row);

struct stn_row *stn_row_of_session(const stn_core *core, const uint8_t session[STN_SESSION]);

/* Media leaves from this address of ours and goes to that one. */
void stn_row_point(const stn_core *core, struct stn_row *row, const struct stn_address *to,
                   const struct stn_source *from);

/* Media goes to this pair from now on (after a nomination or an undone move); gives STN_NOTICE_MOVED. */
void stn_row_moved(stn_core *core, struct stn_row *row, const struct stn_pair *pair);

/* Authenticated traffic of the row came for the first time; gives STN_NOTICE_CONFIRMED once. */
void stn_row_confirmed(stn_core *core, struct stn_row *row);

/* The listener reported on our stream: redundancy begins or ends, if it offered that. */
void stn_row_reported(stn_core *core, struct stn_row *row, uint8_t fraction_lost);

/* Out of lanes and indices; gives STN_NOTICE_CLOSED unless Python removed it. The memory stays until Python removes the row. Changes
 * core->rows: the last row takes the slot. */
void stn_row_closed(stn_core *core, struct stn_row *row, enum stn_close_reason reason);

/* -- given by stn_io.c ------------------------------------------------------------------------------------ */

/* Send one small datagram (an answer) soon, in the batch of this round of reading. False when it was dropped. */
bool stn_reply(stn_core *core, const uint8_t *data, size_t len, const struct stn_address *to,
               const struct stn_source *from);

#endif

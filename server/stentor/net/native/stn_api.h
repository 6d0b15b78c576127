/* What Python sees of the media core. build.py reads the declarations between the two cdef marks.
 *
 * Life: open, start, ..., stop, close. Between start and stop a thread of its own does the work; without start,
 * `stn_step` does one turn of it in the caller's thread (tests). All calls but open and close may be made while
 * the thread runs, from one thread at a time; none of them waits for it, except stop.
 */
#ifndef STN_API_H
#define STN_API_H

#include "stn_core.h"

/* cdef begin */
enum { STN_RING_CONTACTS = 0, STN_RING_DATAGRAMS = 1, STN_RING_NOTICES = 2, STN_RING_TRUNK = 3 };

struct stn_config {
    uint32_t shard;
    uint8_t key_id;
    uint8_t secret[32];
    uint32_t local_shards[16];
    uint32_t local_shard_count;
    int fd;              /* a bound UDP socket that does not block; the caller closes it, after stn_close */
    int ipv6;            /* its family */
    int capture;         /* keep what would be sent instead of sending it */
    int64_t spread_ns;   /* over which the packets of a tick are sent */
    int64_t max_late_ns; /* after which what is left of a packet is given up */
    uint32_t ring_bytes; /* of the rings of contacts and of datagrams, a power of two */
    uint32_t contact_budget;  /* records per 20 ms */
    uint32_t datagram_budget;
    int has_trunk;  /* whether there are other nodes: */
    int trunk_fd;   /* the cluster socket, as fd; -1: none, what would be received is injected */
    int trunk_ipv6; /* its family */
};

struct stn_known_pair {
    struct stn_address address;
    struct stn_source source;
    int64_t heard_at; /* ns */
    int proven;
    int nominated;
    int pinned; /* the handshake was there */
};

struct stn_listener {
    uint8_t event[8];
    uint8_t session[8];
    uint8_t local_key[32];
    uint8_t local_salt[14];
    uint8_t remote_key[32];
    uint8_t remote_salt[14];
    int profile;
    uint8_t payload_type;
    uint8_t red_type; /* 255: none */
    uint8_t generation;
    uint32_t maxptime; /* ms */
    uint32_t ssrc;
    uint64_t first_sequence;
    struct stn_address to;
    struct stn_source from;
    int known; /* whether receiving is native: session, pairs and consent are below */
    uint8_t ufrag[100]; /* the capsule it joined with, as seal_capsule gives it again */
    int64_t consent_at;
    uint32_t pair_count;
    struct stn_known_pair pairs[4];
    uint8_t seen[512]; /* transaction ids it may have used, as struct stn_ice has them */
};

struct stn_row_stats {
    uint32_t packets;
    uint32_t octets;
    uint32_t reports;
    uint32_t fraction_lost;
    int32_t lost;
    uint32_t highest;
    uint32_t jitter;
    uint64_t reported_at; /* ns */
};

struct stn_uplink_state {
    int64_t heard_at; /* ns, the newest authentic packet; 0 before the first */
    uint64_t packets;
    uint64_t frames;     /* given on */
    uint64_t recovered;  /* of these, from a later packet */
    uint64_t lost;       /* sequence numbers that no packet brought; gaps of the program itself apart */
    uint64_t duplicates; /* packets that brought nothing new, or were of an older epoch */
    uint64_t failures;   /* packets that were not authentic, or replayed */
};

struct stn_child_state {
    uint64_t packets; /* given to the kernel */
    uint64_t octets;
    uint64_t unsent; /* refused for its address */
};

/* NULL with the reason in `error`. */
stn_core *stn_open(const struct stn_config *config, char *error, size_t error_size);
int stn_start(stn_core *core); /* 0 or an errno */
void stn_stop(stn_core *core); /* returns when the thread has ended; may be called again */
void stn_close(stn_core *core);
void stn_step(stn_core *core, int64_t now_ns);
int64_t stn_thread_cpu_ns(stn_core *core); /* CPU time of the thread; 0 while there is none */
int stn_wake_fd(stn_core *core); /* readable when stn_take_up has something */

/* A handle above 0, or 0 when there is no memory or no such profile. */
uint32_t stn_add_listener(stn_core *core, const struct stn_listener *listener);
void stn_remove_listener(stn_core *core, uint32_t row);
void stn_set_address(stn_core *core, uint32_t row, const struct stn_address *to, const struct stn_source *from);
void stn_set_red(stn_core *core, uint32_t row, int on);
/* Redundancy for rows that need it, or for none: where CPU is short there is none to spare. */
void stn_allow_red(stn_core *core, int allowed);
int stn_row_stats(stn_core *core, uint32_t row, struct stn_row_stats *stats); /* 0, or -1: no such row */

/* Datagrams from the address go up to Python, or no longer. */
void stn_allow(stn_core *core, const struct stn_address *address, int allowed);

/* A program frame that came at `now_ns`; 0, or -1 when it is too long or too many commands wait. */
int stn_send_frame(stn_core *core, const uint8_t *event, uint64_t sequence, uint64_t timestamp, const uint8_t *payload,
                   size_t len, uint64_t ntp, int64_t now_ns);
/* The event's program clock shows `timestamp`, and no frame has come (the thread does this by itself). */
void stn_advance(stn_core *core, const uint8_t *event, uint64_t timestamp, int64_t now_ns);
/* ptime in ms (20, 40, 60 or 120) of one event, or (NULL) of all. */
void stn_set_ptime(stn_core *core, const uint8_t *event, uint32_t ptime, int hold);

/* The event's frames from a parent: RTP of `ssrc` by SRTP (AES-128-GCM, master key of 16 bytes and salt of 12). A handle
 * above 0, or 0: no memory, too many, or an SSRC that is in use. */
uint32_t stn_uplink_add(stn_core *core, const uint8_t *event, uint32_t ssrc, const uint8_t *key, const uint8_t *salt,
                        uint32_t epoch);
void stn_uplink_remove(stn_core *core, uint32_t uplink);
int stn_uplink_state(stn_core *core, uint32_t uplink, struct stn_uplink_state *state); /* 0, or -1: no such one */

/* The event's frames to a child: those of uplinks of `epoch`, and those that stn_send_frame gives. A handle above 0, or
 * 0 when there is no room. */
uint32_t stn_child_add(stn_core *core, const uint8_t *event, const struct stn_address *to, uint32_t ssrc,
                       const uint8_t *key, const uint8_t *salt, uint32_t epoch);
void stn_child_remove(stn_core *core, uint32_t child);
int stn_child_state(stn_core *core, uint32_t child, struct stn_child_state *state);

/* Readable when STN_RING_TRUNK has something (signed datagrams of other nodes); to be read empty before taking. */
int stn_trunk_wake_fd(stn_core *core);

/* Whole records (struct stn_up_record and its data); how many bytes. */
uint32_t stn_take_up(stn_core *core, int ring, uint8_t *out, uint32_t room);
void stn_clear_wake(stn_core *core); /* before taking */

uint32_t stn_counter_count(void);
const char *stn_counter_name(uint32_t number); /* "packets_sent", "integrity", ... */
int stn_counter_is_drop(uint32_t number); /* whether it counts received datagrams that were not acted on */
void stn_read_counters(stn_core *core, uint64_t *out);
int64_t stn_lateness_limit(uint32_t bucket); /* ns */

/* Capture (tests): datagrams as struct stn_captured and data; all bytes or 0 when they do not fit. */
size_t stn_captured_size(stn_core *core);
size_t stn_take_captured(stn_core *core, uint8_t *out, size_t room);
void stn_capture_refuse(stn_core *core, const struct stn_address *address);
void stn_capture_fill_up(stn_core *core, uint32_t after); /* datagrams until the socket is full */

/* One datagram as if it had been received (tests). */
int stn_inject(stn_core *core, const uint8_t *data, size_t len, const struct stn_address *from,
               const struct stn_source *local, int64_t now_ns);
/* One as if the cluster socket had given it. */
int stn_trunk_inject(stn_core *core, const uint8_t *data, size_t len, const struct stn_address *from, int64_t now_ns);
/* cdef end */

#endif

/* The trunk: program frames from a parent node (uplinks) and to child nodes, by a socket of its own.
 *
 *   stn_trunk_in.c   datagrams of the cluster socket: each new frame of an uplink is given to stn_frame
 *   stn_uplink.c     who the uplinks are, and SRTP of their streams
 *   stn_trunk_out.c  children: one packet each for every frame, at once, before any listener's
 *   stn_trunk_api.c  what Python calls; uplinks and children are made with their keys in Python's thread
 *
 * Everything here belongs to the media thread, but for what is marked as the API side's.
 */
#ifndef STN_TRUNK_H
#define STN_TRUNK_H

#include "stn_core.h"
#include "stn_join.h"
#include "stn_trunk_red.h"

#define STN_UPLINKS 4096   /* of one node: one for each event it listens to, two while it changes parents */
#define STN_CHILDREN 16384 /* of one node, of all events */
#define STN_CONTROL_BYTE 0xC5 /* first byte of what Python handles (core/mesh/envelope.py) */

struct stn_api_trunk;
struct stn_trunk_rx;
struct stn_trunk_tx;

/* An event of the trunk: who brings its frames, who gets them. */
struct stn_program {
    struct stn_program *next;
    uint8_t event[STN_EVENT_KEY];
    struct stn_join join;
    struct stn_trunk_past past;
    uint32_t uplinks;
    int64_t heard_at; /* ns, the newest authentic packet of any of them; 0 once Python knows of the silence after it */
    struct stn_child *children;
};

/* A stream from a parent. */
struct stn_uplink {
    struct stn_uplink *next; /* in its bucket */
    struct stn_program *program; /* NULL when there was no memory for it */
    uint8_t event[STN_EVENT_KEY];
    uint32_t ssrc; /* also read by the API side, and never changed */
    uint32_t epoch; /* of the stage that it comes from */
    struct stn_gcm gcm;
    uint8_t salt[STN_GCM_IV];
    bool heard;
    uint64_t highest;       /* SRTP index */
    unsigned __int128 seen; /* bit n: highest - n */
    stn_counter heard_at; /* ns, the newest authentic packet */
    stn_counter packets;  /* authentic ones */
    stn_counter frames;   /* given on */
    stn_counter recovered; /* of these, from a later packet */
    stn_counter lost;      /* places left empty before a frame that was given on */
    stn_counter duplicates; /* packets that brought nothing new */
    stn_counter failures;   /* not authentic, or replayed */
};

/* A stream to a child. */
struct stn_child {
    struct stn_child *next; /* of its program */
    struct stn_program *program;
    uint8_t event[STN_EVENT_KEY];
    struct stn_address to;
    uint32_t ssrc;
    uint32_t epoch; /* its keys were made for: frames of another are not sent by it */
    uint32_t sent; /* frames, up to STN_TRUNK_DEPTH: it repeats none that it has not carried */
    uint64_t base; /* SRTP index = the frame's sequence - base */
    uint64_t last; /* sequence sealed last */
    struct stn_srtp_sender rtp;
    stn_counter packets;
    stn_counter octets;
    stn_counter unsent;
};

struct stn_trunk {
    int fd; /* -1: none; datagrams are injected and captured (tests) */
    bool ipv6;
    struct stn_program *programs;
    struct stn_uplink **by_ssrc;
    struct stn_up_ring control; /* for Python: signed datagrams, and events that fell silent */
    bool pushed;
    int wake_up; /* eventfd: the ring has something */
    struct stn_trunk_rx *rx;
    struct stn_trunk_tx *tx;
    struct stn_api_trunk *api;
};

/* A node without a cluster socket has no trunk: core->trunk is NULL, and all that follows does nothing then. */
int stn_trunk_open(stn_core *core, int fd, bool ipv6, uint32_t ring_bytes);
void stn_trunk_close(stn_core *core);

/* Every 20 ms. */
void stn_trunk_tick(stn_core *core, int64_t now);

/* Wake Python if something came up in this turn. */
void stn_trunk_wake(stn_core *core);

struct stn_program *stn_program_of(const stn_core *core, const uint8_t event[STN_EVENT_KEY]);
/* The same, made when there is none; NULL when there is no memory. */
struct stn_program *stn_program_make(stn_core *core, const uint8_t event[STN_EVENT_KEY]);

/* -- stn_trunk_in.c --------------------------------------------------------------------------------------- */

struct stn_trunk_rx *stn_trunk_rx_new(void);
/* Read what waits, at most a few batches; true when more may be there. */
bool stn_trunk_read(stn_core *core, int64_t now);
/* Silence for our listeners while nobody brings the program. Children find another parent by what they do not hear. */
void stn_trunk_fill(stn_core *core, struct stn_program *program, int64_t now);
/* One datagram. 0 when acted on, else -1 and counted. */
int stn_trunk_datagram(stn_core *core, const uint8_t *data, size_t len, const struct stn_address *from, int64_t now);

/* -- stn_uplink.c ----------------------------------------------------------------------------------------- */

void stn_uplink_link(stn_core *core, struct stn_uplink *uplink);
void stn_uplink_unlink(stn_core *core, struct stn_uplink *uplink);
void stn_uplink_free(struct stn_uplink *uplink);
struct stn_uplink *stn_uplink_of(const stn_core *core, uint32_t ssrc);
/* Open an RTP packet of 28 bytes or more with a plain header of 12: `plain` gets its payload, 28 bytes shorter.
 * STN_DROP_COUNT, or why it is dropped. */
enum stn_drop stn_uplink_open(struct stn_uplink *uplink, stn_slice data, uint8_t *plain);

/* -- stn_trunk_out.c -------------------------------------------------------------------------------------- */

struct stn_trunk_tx *stn_trunk_tx_new(void);
/* A frame that Python gives: to all children of its event. */
void stn_trunk_frame(stn_core *core, const uint8_t event[STN_EVENT_KEY], uint64_t sequence, uint64_t timestamp,
                     stn_slice payload, int64_t now);
/* A frame of the program's epoch, in the stream's own numbers: to the children that were seated in it. */
void stn_trunk_forward(stn_core *core, struct stn_program *program, struct stn_place place, stn_slice payload);
void stn_child_link(stn_core *core, struct stn_child *child);
void stn_child_unlink(stn_core *core, struct stn_child *child);
void stn_child_free(struct stn_child *child);

/* -- stn_trunk_api.c -------------------------------------------------------------------------------------- */

struct stn_api_trunk *stn_api_trunk_new(void);
void stn_api_trunk_free(struct stn_api_trunk *api);

#endif

/* Groups, lanes and jobs: how a program frame becomes packets to listeners.
 *
 *   frame -> group (one event) -> lane (maxptime class and phase) -> merger -> job (one packet for the lane)
 *         -> stn_send.c: sealed for each row of the lane, in slices spread over the tick
 *
 * A row keeps its lane for life, also when ptime changes: at p ms lane % (p / 20) is its phase. Phases are for a full
 * house; a small one fills one lane after another, since a packet in a burst of hundreds costs less than among a few.
 */
#ifndef STN_FANOUT_H
#define STN_FANOUT_H

#include "stn_core.h"
#include "stn_elastic.h"
#include "stn_red.h"

#define STN_CLASSES 4        /* of maxptime: 20, 40, 60, 120 ms */
#define STN_BURST 1000       /* rows that go out in one burst, and fill a lane before the next one is begun */
#define STN_MAX_FRAME 2048   /* bytes of a program frame: it came in one datagram */
#define STN_MAX_LOST 1000    /* sequence numbers left out at a gap: beyond 20 s a player has given up */
#define STN_MAX_JOBS 64      /* packets waiting in one lane: 1.3 s at 20 ms */
#define STN_REPORT_SLOTS 250 /* ticks of 20 ms between two sender reports to a listener: 5 s (RFC 3550 6.2) */
#define STN_MAX_FED 128     /* packets of one tick whose rows share its spread */
#define STN_TICK_NS (20 * STN_MS)
#define STN_TICK_SAMPLES 960

/* One packet on its way to the rows of a lane. */
struct stn_job {
    struct stn_job *next;
    uint64_t number;     /* of the packet in its lane */
    uint32_t timestamp;  /* of the RTP header */
    int64_t due;         /* of the tick: when its frame arrived */
    uint32_t before;     /* rows of the same tick served before this lane's, and of all its lanes: */
    uint32_t total;      /* row i is due at due + spread * (before + i) / total */
    uint64_t report_ntp; /* the newest pair of wall-clock and RTP time, for sender reports */
    uint32_t report_timestamp;
    uint32_t report_first; /* slots whose turn it is to get one */
    uint32_t report_count;
    int red_type; /* payload type now written into `red`, -1 without a RED variant */
    uint32_t payload_len;
    uint32_t red_len;
    uint8_t payload[STN_MAX_FRAME];
    uint8_t red[STN_MAX_FRAME + 1];
};

struct stn_lane {
    struct stn_group *group;
    struct stn_target **targets;
    uint32_t count;
    uint32_t room;
    uint32_t red_rows; /* how many of them get RED now */
    uint32_t class;
    uint32_t phase;
    uint64_t next;    /* number of the next packet */
    uint64_t slot;    /* the last slot whose sender reports went out */
    uint32_t cursor;  /* rows [0, cursor) have got the first job */
    uint32_t waiting; /* jobs */
    struct stn_job *first;
    struct stn_job *last;
    struct stn_lane *next_active; /* lanes with jobs */
    bool active;
    struct stn_merger merger;
    struct stn_hold hold;
    struct stn_red_history history;
};

struct stn_group {
    struct stn_group *next;
    uint8_t event[STN_EVENT_KEY];
    uint32_t rows;
    uint32_t ptime;
    bool hold;
    bool started;
    uint64_t sequence;  /* of the newest frame */
    uint64_t timestamp; /* of the newest frame */
    uint64_t step;      /* samples from the one before */
    uint64_t ntp;
    int64_t arrived; /* ns */
    struct stn_lane *lanes[STN_CLASSES][STN_ELASTIC_LANES];
};

struct stn_batch;

struct stn_sender {
    struct stn_group *groups;
    struct stn_lane *active_first;
    struct stn_lane *active_last;
    uint64_t packets;      /* that lanes have made so far */
    struct stn_job *spare; /* jobs to use again: none is allocated per packet once the stream flows */
    struct stn_batch *batch;
    int64_t spread;   /* ns over which the packets of a tick are sent */
    int64_t max_late; /* ns after which what is left of a packet is given up */
    uint32_t ptime;
    bool hold;
    bool plain; /* no redundancy for anybody */
    /* While a frame is fed: */
    int64_t feeding_due;
    uint32_t feeding_rows;
    struct stn_job *fed_jobs[STN_MAX_FED];
    uint32_t fed;
};

int stn_sender_open(stn_core *core, int64_t spread, int64_t max_late);
void stn_sender_close(stn_core *core);

/* Seat a row that stn_api.c has filled in. False when there is no memory. */
bool stn_seat(stn_core *core, struct stn_row *row, const uint8_t event[STN_EVENT_KEY], uint32_t maxptime,
              uint64_t first_sequence);

/* Out of its lane, of core->rows and of the index; no notice. */
void stn_unseat(stn_core *core, struct stn_row *row);

/* A program frame has come at `now`. */
void stn_frame(stn_core *core, const uint8_t event[STN_EVENT_KEY], uint64_t sequence, uint64_t timestamp,
               struct stn_slice payload, uint64_t ntp, int64_t now);

/* The program's clock of an event shows `timestamp` although no frame has come. */
void stn_group_advance(stn_core *core, struct stn_group *group, uint64_t timestamp, int64_t now);

/* Every 20 ms: what mergers hold may be due although the host pauses. */
void stn_fanout_tick(stn_core *core, int64_t now);

struct stn_group *stn_group_of(const stn_core *core, const uint8_t event[STN_EVENT_KEY]);

/* ptime and hold of one event, or (NULL) of all events, also of those to come. */
void stn_set_level(stn_core *core, const uint8_t *event, uint32_t ptime, bool hold);

void stn_row_set_red(struct stn_row *row, bool on);

/* -- stn_send.c ------------------------------------------------------------------------------------------- */

/* Send everything that is due. */
void stn_send_due(stn_core *core, int64_t now);

/* When there is something to send next, STN_NEVER without a job. */
int64_t stn_send_next(const stn_core *core);

/* Take back a finished or abandoned job. */
void stn_job_release(struct stn_sender *sender, struct stn_job *job);

#endif

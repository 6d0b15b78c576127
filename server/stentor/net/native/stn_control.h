/* Commands from Python, and the thread that obeys them. */
#ifndef STN_CONTROL_H
#define STN_CONTROL_H

#include <pthread.h>

#include "stn_core.h"
#include "stn_rest.h"
#include "stn_targets.h"
#include "stn_trunk.h"

enum stn_command_kind {
    STN_ADD,
    STN_REMOVE,
    STN_MOVE,
    STN_RED,
    STN_ALLOW_RED,
    STN_ALLOW,
    STN_FRAME,
    STN_ADVANCE,
    STN_LEVEL,
    STN_UPLINK,
    STN_UPLINK_END,
    STN_CHILD,
    STN_CHILD_END,
};

/* One shape for all; a frame's payload follows it. */
struct stn_order {
    struct stn_command command;
    struct stn_row *row;
    struct stn_uplink *uplink;
    struct stn_child *child;
    struct stn_address address;
    struct stn_source source;
    uint8_t event[STN_EVENT_KEY];
    bool all_events;
    bool on;
    uint32_t ptime;
    uint64_t sequence; /* first sequence of a row, or program sequence */
    uint64_t timestamp;
    uint64_t ntp;
    int64_t now;
    size_t len;
    uint8_t payload[];
};

struct stn_control {
    struct stn_commands commands;
    bool pushed;     /* a record went up in this turn */
    int wake_up;     /* eventfd: the media thread wakes Python */
    int wake_down;   /* eventfd: Python wakes the media thread */
    int64_t tick_at; /* when timers are due next */
    int64_t busy_until; /* before that the port is read as soon as something comes */
    struct stn_rest rest;
    atomic_bool stopping;
    bool running;
    pthread_t thread;
    /* API side: handles to rows. A handle is the slot, and above it how often that was used: never 0. */
    struct stn_row **by_handle;
    uint16_t *uses;
    uint32_t *free_slots;
    uint32_t free_count;
    uint32_t slots;
    struct stn_targets targets; /* taken by the API side, given back by whoever frees the row */
};

int stn_control_open(stn_core *core);
void stn_control_close(stn_core *core);

/* Which sockets have something to read. */
struct stn_readable {
    bool port;
    bool trunk;
};

/* One turn: commands, frames from other nodes, what is due, what was received, timers. */
void stn_turn(stn_core *core, int64_t now, struct stn_readable readable);
int64_t stn_now(void);

/* A command with `extra` bytes of payload, zeroed, or NULL. */
struct stn_order *stn_order_new(enum stn_command_kind kind, size_t extra);
/* Give it to the thread and wake it. False (and freed) when too many wait and it may be lost. */
bool stn_order_give(stn_core *core, struct stn_order *order, bool may_be_lost);
void stn_orders_obey(stn_core *core);

void stn_row_free(stn_core *core, struct stn_row *row);

#endif

/* What stn_receive.c and stn_binding.c share. */
#ifndef STN_RECEIVE_H
#define STN_RECEIVE_H

#include "stn_core.h"
#include "stn_gate.h"

struct stn_receive {
    struct stn_hmac_sha256 secret; /* the shard's, taken in */
    struct stn_gate gate;
};

/* One datagram as it came. */
struct stn_datagram {
    const uint8_t *data;
    size_t len;
    const struct stn_address *from;
    const struct stn_source *local;
    int64_t now;
};

/* Count the reason; -1, for callers to return. */
int stn_drop(stn_core *core, enum stn_drop reason);

/* Give the datagram up to Python, in the name of `row` or (NULL) of nobody. 0, or -1 when the ring is full. */
int stn_give_up(stn_core *core, struct stn_up_ring *ring, enum stn_up kind, const struct stn_row *row,
                const struct stn_datagram *datagram);

/* Whether the address may be used by `row`, or (NULL) by a session that is not seated here. */
bool stn_may_use(const stn_core *core, const struct stn_address *address, const struct stn_row *row, int64_t now);

/* Send the row's media elsewhere if that is where it belongs now. */
void stn_tell_move(stn_core *core, struct stn_row *row);

/* Close the row if its consent has run out; timers do so within a second. */
void stn_check_consent(stn_core *core, struct stn_row *row, int64_t now);

/* STUN, from whatever address. 0 when acted on, else -1. */
int stn_receive_stun(stn_core *core, const struct stn_datagram *datagram);

#endif

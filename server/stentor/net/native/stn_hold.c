#include "stn_hold.h"

#include <string.h>

void stn_hold_init(struct stn_hold *hold) { hold->count = hold->used = 0; }

/* Let the oldest `leaving` packets go, then close the space they left. */
static void leave(struct stn_hold *hold, size_t leaving, stn_emit emit, void *context)
{
    size_t at = 0;
    for (size_t i = 0; i < leaving; i++) {
        hold->packets[i].payload.data = hold->bytes + at;
        at += hold->packets[i].payload.len;
        emit(context, &hold->packets[i]);
    }
    hold->count -= leaving;
    hold->used -= at;
    memmove(hold->packets, hold->packets + leaving, hold->count * sizeof *hold->packets);
    memmove(hold->bytes, hold->bytes + at, hold->used);
}

void stn_hold_push(struct stn_hold *hold, const struct stn_merged *packet, stn_emit emit, void *context)
{
    size_t leaving = 0, freed = 0, size = packet->payload.len;
    while (leaving < hold->count && (hold->count - leaving == STN_HOLD_PACKETS ||
                                     size > STN_HOLD_BYTES - (hold->used - freed)))
        freed += hold->packets[leaving++].payload.len;
    if (leaving > 0)
        leave(hold, leaving, emit, context);
    if (size > STN_HOLD_BYTES) {
        emit(context, packet);
        return;
    }
    hold->packets[hold->count++] = *packet;
    if (size > 0)
        memcpy(hold->bytes + hold->used, packet->payload.data, size);
    hold->used += size;
}

void stn_hold_release(struct stn_hold *hold, uint64_t timestamp, stn_emit emit, void *context)
{
    size_t leaving = 0;
    while (leaving < hold->count && timestamp >= hold->packets[leaving].timestamp + STN_HOLD_SAMPLES)
        leaving++;
    if (leaving > 0)
        leave(hold, leaving, emit, context);
}

void stn_hold_clear(struct stn_hold *hold, stn_emit emit, void *context)
{
    leave(hold, hold->count, emit, context);
}

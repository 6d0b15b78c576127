/* Datagrams that leave with one sendmmsg. The caller writes a packet where it will be sent from. */
#ifndef STN_BATCH_H
#define STN_BATCH_H

#include "stn_core.h"

#define STN_BATCH 128 /* messages: beyond 64 a call costs nothing more, and 128 x 150 bytes stay in the L1 cache */

struct stn_batch;

/* What became of a batch. */
struct stn_sent {
    uint32_t sent;
    uint32_t refused; /* addresses the kernel would not take: port 0, broadcast, no route */
    uint32_t full;    /* the socket was full: dropped, never queued */
    uint64_t octets;
};

struct stn_batch *stn_batch_new(size_t slot_size);
void stn_batch_free(struct stn_batch *batch);

uint32_t stn_batch_count(const struct stn_batch *batch);

/* Where the next packet is to be written; there is room for slot_size bytes. Only while count < STN_BATCH. */
uint8_t *stn_batch_slot(struct stn_batch *batch);

/* The packet in the slot has `len` bytes and goes to `to`; from our address `from`, or by the kernel's choice where that
 * is NULL or all zero. */
void stn_batch_add(const stn_core *core, struct stn_batch *batch, size_t len, const struct stn_address *to,
                   const struct stn_source *from);

/* Hand all to the kernel (or the capture). The batch is empty afterwards. */
struct stn_sent stn_batch_flush(stn_core *core, struct stn_batch *batch);

#endif

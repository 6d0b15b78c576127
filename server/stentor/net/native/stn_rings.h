/* Bounded ways between the media thread and Python: records up, commands down.
 *
 * Up: one producer (the media thread), one consumer (Python's loop thread). `head` is written by the consumer
 * alone, `tail` by the producer alone; a release store of either after the copy, and an acquire load on the
 * other side before it, order the bytes. Nothing blocks: a record that does not fit is refused.
 */
#ifndef STN_RINGS_H
#define STN_RINGS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stn_address.h"

/* Before each record, in native byte order; Python reads it as "=IIBBH24s16sI" (56 bytes). */
struct stn_up_record {
    uint32_t size;   /* bytes of data after this header */
    uint32_t row;    /* handle, or 0 */
    uint8_t kind;    /* of the ring's own numbering: enum stn_notice, or enum stn_up */
    uint8_t detail;  /* enum stn_close_reason */
    uint16_t padding;
    struct stn_address from;
    struct stn_source local;
    uint32_t zero;
};

_Static_assert(sizeof(struct stn_up_record) == 56, "struct stn_up_record is read by Python");

enum stn_up { STN_UP_CONTACT = 1, STN_UP_DATAGRAM = 2, STN_UP_SILENCE = 3 };

struct stn_up_ring {
    uint8_t *bytes;
    uint32_t size;   /* a power of two */
    uint32_t budget; /* records per tick */
    uint32_t left;   /* of this tick's budget */
    bool *pushed;    /* set when a record was taken, so that the reader is woken once per round */
    _Alignas(64) _Atomic uint32_t tail;
    _Alignas(64) _Atomic uint32_t head;
};

int stn_up_open(struct stn_up_ring *ring, uint32_t size, uint32_t budget, bool *pushed);
void stn_up_close(struct stn_up_ring *ring);

/* Whether a record with `size` bytes of data would be taken now. Media thread only. */
bool stn_up_has_room(const struct stn_up_ring *ring, uint32_t size);

/* False when the ring is full or the tick's budget is spent: the caller counts the drop. `record->size` is that
 * of `data`. Media thread only. */
bool stn_up_push(struct stn_up_ring *ring, const struct stn_up_record *record, const uint8_t *data);

/* Copy as many whole records as fit; how many bytes. Consumer only. */
uint32_t stn_up_take(struct stn_up_ring *ring, uint8_t *out, uint32_t room);

/* -- commands: many producers, one consumer --------------------------------------------------------------- */

/* The first member of every command. A Treiber stack that the consumer takes whole and turns round: pushes are
 * one compare-and-swap each (release), the take is one exchange (acquire), so no node is ever read by two
 * threads and the ABA problem cannot arise. */
struct stn_command {
    struct stn_command *next;
    int kind;
};

struct stn_commands {
    _Atomic(struct stn_command *) head;
    _Atomic uint32_t waiting;
    uint32_t limit;
};

/* False when `limit` commands wait already. */
bool stn_command_push(struct stn_commands *commands, struct stn_command *command);

/* As push, without limit: for what must not be lost and is bounded by itself (removals). */
void stn_command_force(struct stn_commands *commands, struct stn_command *command);

/* All that wait, oldest first, or NULL. */
struct stn_command *stn_commands_take(struct stn_commands *commands);

#endif

#include "stn_rings.h"

#include <stdlib.h>
#include <string.h>

int stn_up_open(struct stn_up_ring *ring, uint32_t size, uint32_t budget, bool *pushed)
{
    ring->bytes = malloc(size);
    ring->size = size;
    ring->budget = ring->left = budget;
    ring->pushed = pushed;
    atomic_init(&ring->head, 0);
    atomic_init(&ring->tail, 0);
    return ring->bytes == NULL ? -1 : 0;
}

void stn_up_close(struct stn_up_ring *ring)
{
    free(ring->bytes);
    ring->bytes = NULL;
}

static void copy_in(struct stn_up_ring *ring, uint32_t at, const void *from, uint32_t size)
{
    uint32_t offset = at & (ring->size - 1), first = ring->size - offset;
    if (first > size)
        first = size;
    memcpy(ring->bytes + offset, from, first);
    if (size > first)
        memcpy(ring->bytes, (const uint8_t *)from + first, size - first);
}

static void copy_out(const struct stn_up_ring *ring, uint32_t at, void *to, uint32_t size)
{
    uint32_t offset = at & (ring->size - 1), first = ring->size - offset;
    if (first > size)
        first = size;
    memcpy(to, ring->bytes + offset, first);
    memcpy((uint8_t *)to + first, ring->bytes, size - first);
}

bool stn_up_has_room(const struct stn_up_ring *ring, uint32_t size)
{
    uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    uint32_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    return ring->left > 0 && ring->size - (tail - head) >= sizeof(struct stn_up_record) + size;
}

bool stn_up_push(struct stn_up_ring *ring, const struct stn_up_record *record, const uint8_t *data)
{
    uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    if (!stn_up_has_room(ring, record->size))
        return false;
    ring->left--;
    copy_in(ring, tail, record, sizeof *record);
    if (record->size > 0)
        copy_in(ring, tail + (uint32_t)sizeof *record, data, record->size);
    atomic_store_explicit(&ring->tail, tail + (uint32_t)sizeof *record + record->size, memory_order_release);
    *ring->pushed = true;
    return true;
}

uint32_t stn_up_take(struct stn_up_ring *ring, uint8_t *out, uint32_t room)
{
    uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    uint32_t taken = 0;
    while (head != tail) {
        struct stn_up_record record;
        copy_out(ring, head, &record, sizeof record);
        uint32_t size = (uint32_t)sizeof record + record.size;
        if (room - taken < size)
            break;
        copy_out(ring, head, out + taken, size);
        taken += size;
        head += size;
    }
    atomic_store_explicit(&ring->head, head, memory_order_release);
    return taken;
}

bool stn_command_push(struct stn_commands *commands, struct stn_command *command)
{
    if (commands->limit != 0 && atomic_load_explicit(&commands->waiting, memory_order_relaxed) >= commands->limit)
        return false;
    stn_command_force(commands, command);
    return true;
}

void stn_command_force(struct stn_commands *commands, struct stn_command *command)
{
    atomic_fetch_add_explicit(&commands->waiting, 1, memory_order_relaxed);
    command->next = atomic_load_explicit(&commands->head, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&commands->head, &command->next, command, memory_order_release,
                                                  memory_order_relaxed)) {
    }
}

struct stn_command *stn_commands_take(struct stn_commands *commands)
{
    struct stn_command *newest = atomic_exchange_explicit(&commands->head, NULL, memory_order_acquire);
    struct stn_command *oldest = NULL;
    while (newest != NULL) {
        struct stn_command *before = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = before;
        atomic_fetch_sub_explicit(&commands->waiting, 1, memory_order_relaxed);
    }
    return oldest;
}

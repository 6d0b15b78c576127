/* The bounded ring up to Python. The caller holds the lock. */
#include <string.h>
#include <unistd.h>

#include "swarm_core.h"

void swarm_tell(swarm *s, uint32_t index, enum swarm_kind kind, const uint8_t *data, size_t length)
{
    if (s->ring_used == SWARM_RING || length > sizeof s->ring->data) {
        s->totals.up_lost++;
        return;
    }
    swarm_notice *slot = &s->ring[(s->ring_at + s->ring_used) % SWARM_RING];
    slot->index = index;
    slot->kind = (uint16_t)kind;
    slot->length = (uint16_t)length;
    if (length > 0)
        memcpy(slot->data, data, length);
    s->totals.up++;
    if (s->ring_used++ == 0) {
        uint64_t one = 1;
        ssize_t done = write(s->wake, &one, sizeof one); /* cannot fail: the counter is taken down every time */
        (void)done;
    }
}

size_t swarm_take(swarm *s, swarm_notice *out, size_t most)
{
    size_t taken = 0;
    pthread_mutex_lock(&s->lock);
    for (; taken < most && s->ring_used > 0; taken++) {
        swarm_notice *slot = &s->ring[s->ring_at];
        memcpy(&out[taken], slot, offsetof(swarm_notice, data) + slot->length);
        s->ring_at = (s->ring_at + 1) % SWARM_RING;
        s->ring_used--;
    }
    if (s->ring_used == 0) {
        uint64_t count;
        ssize_t done = read(s->wake, &count, sizeof count);
        (void)done;
    }
    pthread_mutex_unlock(&s->lock);
    return taken;
}

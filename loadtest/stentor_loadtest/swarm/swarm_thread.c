/* The thread: reads, and walks through all listeners once every 2.5 s for their consent checks, every other time also
   for their receiver reports. So the checks are spread evenly without a timer each. */
#include <poll.h>
#include <stddef.h>
#include <time.h>

#include "swarm_core.h"

static const int64_t CONSENT = 2500000000; /* as Chromium on a working pair; RFC 7675 asks for 5 s or less */
static const int64_t NAP = 1000000;
enum { BUSY = 8, IDLE_WAIT = 5000000, STEP = 256 };

int64_t swarm_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void serve(swarm *s, uint32_t index, int64_t now)
{
    swarm_listener_row *row = &s->rows[index];
    if (row->state != SWARM_SEATED || row->plain)
        return;
    swarm_consent(s, index);
    if ((s->rounds + index) % 2 == 0)
        swarm_report(s, index, now);
}

static void walk(swarm *s)
{
    int64_t elapsed = swarm_clock(CLOCK_MONOTONIC) - s->cursor_began;
    uint64_t to = (uint64_t)(elapsed < CONSENT ? elapsed : CONSENT) * s->count / (uint64_t)CONSENT;
    int64_t now = swarm_clock(CLOCK_REALTIME);
    for (int step = 0; s->cursor < to && step < STEP; step++)
        serve(s, s->cursor++, now);
    if (s->cursor >= s->count && elapsed >= CONSENT) {
        s->cursor = 0;
        s->cursor_began += CONSENT;
        s->rounds++;
    }
}

void *swarm_loop(void *argument)
{
    swarm *s = argument;
    struct pollfd readable = {.fd = swarm_poll_fd(s), .events = POLLIN};
    s->cursor_began = swarm_clock(CLOCK_MONOTONIC);
    while (!__atomic_load_n(&s->stopping, __ATOMIC_ACQUIRE)) {
        size_t got = swarm_drain(s);
        pthread_mutex_lock(&s->lock);
        walk(s);
        s->totals.cpu_ns = (uint64_t)swarm_clock(CLOCK_THREAD_CPUTIME_ID);
        pthread_mutex_unlock(&s->lock);
        /* Under load let datagrams gather: the kernel has their arrival times, and a sender on the same machine
           does not pay for waking us up once per packet, which it would not pay for listeners elsewhere either. */
        struct timespec nap = {0, NAP}, wait = {0, IDLE_WAIT};
        if (got >= BUSY)
            nanosleep(&nap, NULL);
        else if (got == 0)
            ppoll(&readable, 1, &wait, NULL);
    }
    return NULL;
}

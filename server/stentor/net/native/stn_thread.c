/* The media thread. It never calls Python and never waits for it: commands come by a stack and an eventfd, what
 * Python has to know goes into rings and wakes it by another. Signals are blocked in it from its first
 * instruction, so that the interpreter's handlers run in Python's threads only. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "stn_api.h"
#include "stn_control.h"
#include "stn_fanout.h"
#include "stn_io.h"

enum { COMMAND_LIMIT = 65536 }; /* frames that wait: 20 minutes of one event; a stuck thread must not eat memory */

/* A frame comes every 20 ms, a little early or late. So that both share a wake-up, the tick waits for it so long, and
 * comes with it when it is early by so much. */
#define TICK_SLACK (10 * STN_MS)
#define TICK_EARLY (4 * STN_MS)

/* While nobody joins or speaks to Python, the port is read once in a tick: consent checks and reports are in no
 * hurry, and one wake-up for each would cost more than what is sent to a small house. */
#define STAYS_BUSY STN_SECOND

int64_t stn_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * STN_SECOND + time.tv_nsec;
}

int stn_control_open(stn_core *core)
{
    struct stn_control *control = calloc(1, sizeof *control);
    core->control = control;
    if (control == NULL)
        return -1;
    control->commands.limit = COMMAND_LIMIT;
    control->wake_up = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    control->wake_down = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return control->wake_up < 0 || control->wake_down < 0 ? -1 : 0;
}

void stn_control_close(stn_core *core)
{
    struct stn_control *control = core->control;
    if (control == NULL)
        return;
    if (control->wake_up >= 0)
        close(control->wake_up);
    if (control->wake_down >= 0)
        close(control->wake_down);
    stn_targets_close(&control->targets);
    free(control->by_handle);
    free(control->uses);
    free(control->free_slots);
    free(control);
    core->control = NULL;
}

static void tick(stn_core *core, int64_t now)
{
    core->control->tick_at = now + STN_TICK_NS;
    core->contacts.left = core->contacts.budget;
    core->datagrams.left = core->datagrams.budget;
    core->notices.left = core->notices.budget;
    stn_trunk_tick(core, now);
    stn_fanout_tick(core, now);
    stn_receive_timers(core, now);
}

static void wake_python(struct stn_control *control)
{
    const uint64_t one = 1;
    if (!control->pushed)
        return;
    control->pushed = false;
    if (write(control->wake_up, &one, sizeof one) < 0) {
        /* The counter is at its limit: Python has been woken. */
    }
}

/* Somebody for whom every flight counts: a record for Python, or more than one turn reads. */
static void read_port(stn_core *core, int64_t now)
{
    if (stn_io_read(core, now) || core->control->pushed)
        core->control->busy_until = now + STAYS_BUSY;
}

static void read_trunk(stn_core *core, int64_t now)
{
    if (stn_trunk_read(core, now)) /* a flood: the socket must not run over while we rest */
        core->control->busy_until = now + STAYS_BUSY;
}

static bool is_calm(const stn_core *core, int64_t now) { return now >= core->control->busy_until; }

void stn_turn(stn_core *core, int64_t now, struct stn_readable readable)
{
    const bool ticks = now >= core->control->tick_at - (readable.trunk ? TICK_EARLY : 0);
    stn_orders_obey(core);
    if (readable.trunk) /* first: it brings the frames that are due now. Each socket has its own budget */
        read_trunk(core, now);
    stn_send_due(core, now);
    if (readable.port || (core->fd >= 0 && is_calm(core, now) && ticks))
        read_port(core, now);
    if (ticks)
        tick(core, now);
    stn_io_flush(core);
    stn_trunk_wake(core);
    wake_python(core->control);
}

/* Until a command, a datagram or the next due time; where there are datagrams. */
static struct stn_readable wait_for_work(stn_core *core)
{
    const int64_t now = stn_now();
    const bool calm = is_calm(core, now);
    const int64_t rest = calm ? stn_rest_until(core, now) : 0;
    struct pollfd waiting[] = {
        {.fd = core->control->wake_down, .events = POLLIN},
        {.fd = calm ? -1 : core->fd, .events = POLLIN}, /* a negative one is passed over */
        {.fd = core->trunk == NULL || rest > 0 ? -1 : core->trunk->fd, .events = POLLIN},
    };
    int64_t due = stn_send_next(core), next = rest > 0 ? rest : core->control->tick_at + TICK_SLACK;
    if (next < due)
        due = next;
    int64_t left = due - now;
    if (left < 0)
        left = 0;
    struct timespec timeout = {left / STN_SECOND, left % STN_SECOND};
    const bool is_over = ppoll(waiting, sizeof waiting / sizeof waiting[0], &timeout, NULL) == 0;
    if (waiting[0].revents & POLLIN) {
        uint64_t count;
        if (read(core->control->wake_down, &count, sizeof count) < 0) {
            /* Somebody else's turn has emptied it. */
        }
    }
    /* Also an error of an earlier send, which reading clears. */
    return (struct stn_readable){waiting[1].revents != 0, waiting[2].revents != 0 || (rest > 0 && is_over)};
}

static void *run(void *argument)
{
    stn_core *core = argument;
    prctl(PR_SET_NAME, "stentor-media");
    prctl(PR_SET_TIMERSLACK, 10000UL); /* ns; the default is 50 us */
    struct stn_readable readable = {false, false};
    while (!atomic_load_explicit(&core->control->stopping, memory_order_acquire)) {
        stn_turn(core, stn_now(), readable);
        readable = wait_for_work(core);
    }
    return NULL;
}

int stn_start(stn_core *core)
{
    sigset_t all, before;
    if (core->control->running)
        return EALREADY;
    core->stepping = false;
    atomic_store(&core->control->stopping, false);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* the new thread inherits it */
    int error = pthread_create(&core->control->thread, NULL, run, core);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    core->control->running = error == 0;
    return error;
}

void stn_stop(stn_core *core)
{
    const uint64_t one = 1;
    if (!core->control->running)
        return;
    atomic_store_explicit(&core->control->stopping, true, memory_order_release);
    if (write(core->control->wake_down, &one, sizeof one) < 0) {
        /* It is awake, or wakes at the next tick. */
    }
    pthread_join(core->control->thread, NULL);
    core->control->running = false;
    core->stepping = true;
}

int64_t stn_thread_cpu_ns(stn_core *core)
{
    clockid_t clock;
    struct timespec time;
    if (!core->control->running || pthread_getcpuclockid(core->control->thread, &clock) != 0 ||
        clock_gettime(clock, &time) != 0)
        return 0;
    return time.tv_sec * STN_SECOND + time.tv_nsec;
}

void stn_step(stn_core *core, int64_t now_ns)
{
    const struct stn_readable all = {core->fd >= 0, core->trunk != NULL && core->trunk->fd >= 0};
    if (!core->control->running)
        stn_turn(core, now_ns, all);
}

int stn_wake_fd(stn_core *core) { return core->control->wake_up; }

void stn_clear_wake(stn_core *core)
{
    uint64_t count;
    if (read(core->control->wake_up, &count, sizeof count) < 0) {
        /* Nothing to clear. */
    }
}

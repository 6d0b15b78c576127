/* Programs of the trunk, and the life of what is in them. */
#include "stn_trunk.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "stn_fanout.h"

#define STN_SILENCE (400 * STN_MS) /* without a packet: SILENCE in core/trunk/link.py */
#define CONTROL_BUDGET 256 /* signed datagrams in 20 ms: a full house of nodes speaks once a second */

int stn_trunk_open(stn_core *core, int fd, bool ipv6, uint32_t ring_bytes)
{
    struct stn_trunk *trunk = calloc(1, sizeof *trunk);
    core->trunk = trunk;
    if (trunk == NULL)
        return -1;
    trunk->fd = fd;
    trunk->ipv6 = ipv6;
    trunk->by_ssrc = calloc(STN_UPLINKS, sizeof(struct stn_uplink *));
    trunk->rx = stn_trunk_rx_new();
    trunk->tx = stn_trunk_tx_new();
    trunk->api = stn_api_trunk_new();
    trunk->wake_up = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    bool done = trunk->by_ssrc != NULL && trunk->rx != NULL && trunk->tx != NULL && trunk->api != NULL &&
                trunk->wake_up >= 0;
    return done ? stn_up_open(&trunk->control, ring_bytes, CONTROL_BUDGET, &trunk->pushed) : -1;
}

void stn_trunk_close(stn_core *core)
{
    struct stn_trunk *trunk = core->trunk;
    if (trunk == NULL)
        return;
    stn_api_trunk_free(trunk->api); /* and every uplink and child */
    for (struct stn_program *program = trunk->programs, *next; program != NULL; program = next) {
        next = program->next;
        free(program);
    }
    if (trunk->wake_up >= 0)
        close(trunk->wake_up);
    stn_up_close(&trunk->control);
    free(trunk->by_ssrc);
    free(trunk->rx);
    free(trunk->tx);
    free(trunk);
    core->trunk = NULL;
}

struct stn_program *stn_program_of(const stn_core *core, const uint8_t event[STN_EVENT_KEY])
{
    struct stn_program *program = core->trunk == NULL ? NULL : core->trunk->programs;
    while (program != NULL && memcmp(program->event, event, STN_EVENT_KEY) != 0)
        program = program->next;
    return program;
}

struct stn_program *stn_program_make(stn_core *core, const uint8_t event[STN_EVENT_KEY])
{
    struct stn_program *program = stn_program_of(core, event);
    if (program != NULL)
        return program;
    program = calloc(1, sizeof *program);
    if (program == NULL)
        return NULL;
    memcpy(program->event, event, STN_EVENT_KEY);
    const struct stn_group *group = stn_group_of(core, event);
    if (group != NULL && group->started) /* frames came by another way before */
        stn_join_note(&program->join, (struct stn_place){(int64_t)group->sequence, (int64_t)group->timestamp},
                      group->arrived);
    program->next = core->trunk->programs;
    core->trunk->programs = program;
    return program;
}

/* Python looks for another parent; till then it need not look. A full ring is tried again in the next tick. */
static void tell_silence(stn_core *core, struct stn_program *program, int64_t now)
{
    if (program->uplinks == 0 || program->heard_at == 0 || now - program->heard_at < STN_SILENCE)
        return;
    const struct stn_up_record record = {.size = sizeof program->event, .kind = STN_UP_SILENCE};
    if (stn_up_push(&core->trunk->control, &record, program->event))
        program->heard_at = 0;
}

/* A program goes when nobody brings it, and nobody hears it who could notice that it began anew. */
void stn_trunk_tick(stn_core *core, int64_t now)
{
    if (core->trunk == NULL)
        return;
    core->trunk->control.left = core->trunk->control.budget;
    struct stn_program **at = &core->trunk->programs;
    while (*at != NULL) {
        struct stn_program *program = *at;
        if (program->uplinks > 0 || program->children != NULL || stn_group_of(core, program->event) != NULL) {
            tell_silence(core, program, now);
            stn_trunk_fill(core, program, now);
            at = &program->next;
            continue;
        }
        *at = program->next;
        free(program);
    }
}

void stn_trunk_wake(stn_core *core)
{
    const uint64_t one = 1;
    if (core->trunk == NULL || !core->trunk->pushed)
        return;
    core->trunk->pushed = false;
    if (write(core->trunk->wake_up, &one, sizeof one) < 0) {
        /* The counter is at its limit: Python has been woken. */
    }
}

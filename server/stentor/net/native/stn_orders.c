/* The way down: what Python wants done, in the order in which it said so. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stn_control.h"
#include "stn_fanout.h"
#include "stn_index.h"

struct stn_order *stn_order_new(enum stn_command_kind kind, size_t extra)
{
    struct stn_order *order = calloc(1, sizeof *order + extra);
    if (order != NULL)
        order->command.kind = kind;
    return order;
}

bool stn_order_give(stn_core *core, struct stn_order *order, bool may_be_lost)
{
    if (may_be_lost && !stn_command_push(&core->control->commands, &order->command)) {
        free(order);
        return false;
    }
    if (!may_be_lost)
        stn_command_force(&core->control->commands, &order->command);
    const uint64_t one = 1;
    if (write(core->control->wake_down, &one, sizeof one) < 0) {
        /* The counter is at its limit: the thread is awake anyway. */
    }
    return true;
}

void stn_row_free(stn_core *core, struct stn_row *row)
{
    if (row->target != NULL) {
        stn_srtp_sender_close(&row->target->rtp);
        stn_target_give(&core->control->targets, row->target);
    }
    stn_ice_close(&row->ice);
    explicit_bzero(row, sizeof *row); /* keys do not stay behind */
    free(row);
}

static void add(stn_core *core, const struct stn_order *order)
{
    struct stn_row *row = order->row;
    if (!stn_seat(core, row, order->event, order->ptime, order->sequence)) {
        stn_count(&core->counters.seats_refused, 1);
        return; /* it stays out of every lane until Python removes it */
    }
    row->seated = true;
    if (!row->known)
        return;
    stn_index_add_session(core->index, row);
    for (int i = 0; i < STN_ICE_PAIRS; i++)
        if (row->ice.pairs[i].used)
            stn_claim(core, &row->ice.pairs[i].address, row);
}

static void change_level(stn_core *core, const struct stn_order *order)
{
    stn_set_level(core, order->all_events ? NULL : order->event, order->ptime, order->on);
}

/* Other nodes first: theirs is the longer way. */
static void frame(stn_core *core, const struct stn_order *order)
{
    const stn_slice payload = {order->payload, order->len};
    stn_trunk_frame(core, order->event, order->sequence, order->timestamp, payload, order->now);
    stn_frame(core, order->event, order->sequence, order->timestamp, payload, order->ntp, order->now);
}

static void advance(stn_core *core, const struct stn_order *order)
{
    struct stn_group *group = stn_group_of(core, order->event);
    if (group != NULL)
        stn_group_advance(core, group, order->timestamp, order->now);
}

static void obey(stn_core *core, struct stn_order *order)
{
    switch ((enum stn_command_kind)order->command.kind) {
    case STN_ADD:
        add(core, order);
        break;
    case STN_REMOVE:
        stn_row_closed(core, order->row, STN_CLOSE_REMOVED);
        stn_row_free(core, order->row);
        break;
    case STN_MOVE:
        stn_row_point(core, order->row, &order->address, &order->source);
        break;
    case STN_RED:
        stn_row_set_red(order->row, order->on);
        break;
    case STN_ALLOW_RED:
        core->sender->plain = !order->on;
        break;
    case STN_ALLOW:
        stn_index_allow(core->index, &order->address, order->on);
        break;
    case STN_FRAME:
        frame(core, order);
        break;
    case STN_ADVANCE:
        advance(core, order);
        break;
    case STN_LEVEL:
        change_level(core, order);
        break;
    case STN_UPLINK:
        stn_uplink_link(core, order->uplink);
        break;
    case STN_UPLINK_END:
        stn_uplink_unlink(core, order->uplink);
        break;
    case STN_CHILD:
        stn_child_link(core, order->child);
        break;
    case STN_CHILD_END:
        stn_child_unlink(core, order->child);
        break;
    }
}

void stn_orders_obey(stn_core *core)
{
    struct stn_command *command = stn_commands_take(&core->control->commands);
    while (command != NULL) {
        struct stn_order *order = (struct stn_order *)command; /* its first member */
        command = command->next;
        obey(core, order);
        free(order);
    }
}

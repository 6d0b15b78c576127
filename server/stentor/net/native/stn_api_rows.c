/* Rows as Python knows them: made with their keys in Python's thread, so that the media thread only links them. */
#include <stdlib.h>
#include <string.h>

#include "stn_api.h"
#include "stn_control.h"

enum { SLOT_BITS = 20, MAX_SLOTS = 1 << SLOT_BITS, FIRST_SLOTS = 256 };

static bool grow(struct stn_control *control)
{
    uint32_t slots = control->slots == 0 ? FIRST_SLOTS : 2 * control->slots;
    if (slots > MAX_SLOTS)
        return false;
    struct stn_row **rows = realloc(control->by_handle, slots * sizeof *rows);
    if (rows != NULL)
        control->by_handle = rows;
    uint16_t *uses = realloc(control->uses, slots * sizeof *uses);
    if (uses != NULL)
        control->uses = uses;
    uint32_t *spare = realloc(control->free_slots, slots * sizeof *spare);
    if (spare != NULL)
        control->free_slots = spare;
    if (rows == NULL || uses == NULL || spare == NULL)
        return false;
    for (uint32_t slot = slots; slot-- > control->slots;) {
        control->by_handle[slot] = NULL;
        control->uses[slot] = 0;
        control->free_slots[control->free_count++] = slot;
    }
    control->slots = slots;
    return true;
}

static struct stn_row *row_of(const stn_core *core, uint32_t handle, uint32_t *slot)
{
    const struct stn_control *control = core->control;
    *slot = handle & (MAX_SLOTS - 1);
    if (handle == 0 || *slot >= control->slots || control->by_handle[*slot] == NULL ||
        control->by_handle[*slot]->handle != handle)
        return NULL;
    return control->by_handle[*slot];
}

/* What Python verified while the session was joining. */
static void take_ice(const stn_core *core, struct stn_row *row, const struct stn_listener *listener)
{
    struct stn_ice *ice = &row->ice;
    stn_ice_init(ice, listener->consent_at);
    stn_receive_login(core, listener->ufrag, &ice->login);
    for (uint32_t i = 0; i < listener->pair_count && i < STN_ICE_PAIRS; i++) {
        const struct stn_known_pair *pair = &listener->pairs[i];
        int at = stn_ice_know(ice, &pair->address, &pair->source, pair->proven != 0, pair->heard_at);
        if (pair->nominated)
            ice->nominated = (int8_t)at;
        if (pair->pinned)
            ice->pinned = (int8_t)at;
    }
    memcpy(ice->seen, listener->seen, sizeof ice->seen);
}

static bool open_row(struct stn_row *row, const struct stn_listener *listener)
{
    const uint8_t *key = listener->local_key, *salt = listener->local_salt;
    return row->target != NULL && stn_srtp_sender_open(&row->target->rtp, listener->profile, key, salt) &&
           stn_srtcp_keys_derive(&row->rtcp_out, listener->profile, key, salt) &&
           stn_srtcp_keys_derive(&row->rtcp_in, listener->profile, listener->remote_key, listener->remote_salt);
}

static struct stn_row *row_new(stn_core *core, const struct stn_listener *listener)
{
    struct stn_row *row = calloc(1, sizeof *row);
    if (row == NULL)
        return NULL;
    row->target = stn_target_take(&core->control->targets);
    if (!open_row(row, listener)) {
        stn_row_free(core, row);
        return NULL;
    }
    row->target->row = row;
    stn_row_point(core, row, &listener->to, &listener->from);
    row->target->ssrc = listener->ssrc;
    row->target->payload_type = listener->payload_type;
    row->target->red_type = listener->red_type;
    row->generation = listener->generation;
    row->known = listener->known != 0;
    memcpy(row->session, listener->session, STN_SESSION);
    if (row->known)
        take_ice(core, row, listener);
    return row;
}

uint32_t stn_add_listener(stn_core *core, const struct stn_listener *listener)
{
    struct stn_control *control = core->control;
    if (control->free_count == 0 && !grow(control))
        return 0;
    struct stn_order *order = stn_order_new(STN_ADD, 0);
    struct stn_row *row = order == NULL ? NULL : row_new(core, listener);
    if (row == NULL) {
        free(order);
        return 0;
    }
    uint32_t slot = control->free_slots[--control->free_count];
    control->uses[slot] = (uint16_t)(control->uses[slot] % 4095 + 1);
    row->handle = (uint32_t)control->uses[slot] << SLOT_BITS | slot;
    control->by_handle[slot] = row;
    uint32_t handle = row->handle;
    order->row = row;
    memcpy(order->event, listener->event, STN_EVENT_KEY);
    order->ptime = listener->maxptime;
    order->sequence = listener->first_sequence;
    stn_order_give(core, order, false);
    return handle;
}

void stn_remove_listener(stn_core *core, uint32_t handle)
{
    struct stn_control *control = core->control;
    uint32_t slot;
    struct stn_row *row = row_of(core, handle, &slot);
    struct stn_order *order = row == NULL ? NULL : stn_order_new(STN_REMOVE, 0);
    if (order == NULL)
        return;
    control->by_handle[slot] = NULL;
    control->free_slots[control->free_count++] = slot;
    order->row = row;
    stn_order_give(core, order, false);
}

void stn_set_address(stn_core *core, uint32_t handle, const struct stn_address *to, const struct stn_source *from)
{
    uint32_t slot;
    struct stn_row *row = row_of(core, handle, &slot);
    struct stn_order *order = row == NULL ? NULL : stn_order_new(STN_MOVE, 0);
    if (order == NULL)
        return;
    order->row = row;
    order->address = *to;
    order->source = *from;
    stn_order_give(core, order, false);
}

void stn_set_red(stn_core *core, uint32_t handle, int on)
{
    uint32_t slot;
    struct stn_row *row = row_of(core, handle, &slot);
    struct stn_order *order = row == NULL ? NULL : stn_order_new(STN_RED, 0);
    if (order == NULL)
        return;
    order->row = row;
    order->on = on != 0;
    stn_order_give(core, order, false);
}

void stn_allow_red(stn_core *core, int allowed)
{
    struct stn_order *order = stn_order_new(STN_ALLOW_RED, 0);
    if (order == NULL)
        return;
    order->on = allowed != 0;
    stn_order_give(core, order, false);
}

int stn_row_stats(stn_core *core, uint32_t handle, struct stn_row_stats *stats)
{
    uint32_t slot;
    struct stn_row *row = row_of(core, handle, &slot);
    if (row == NULL)
        return -1;
    stats->packets = row->target->packets;
    stats->octets = row->target->octets;
    stats->reports = row->report.count;
    stats->fraction_lost = row->report.fraction_lost;
    stats->lost = (int32_t)row->report.lost;
    stats->highest = row->report.highest;
    stats->jitter = row->report.jitter;
    stats->reported_at = row->report.at;
    return 0;
}

/* Rows, and the groups and lanes they are in. */
#include "stn_fanout.h"

#include <stdlib.h>
#include <string.h>

#include "stn_index.h"
#include "stn_route.h"

static const uint32_t class_ptime[STN_CLASSES] = {20, 40, 60, 120};

struct stn_group *stn_group_of(const stn_core *core, const uint8_t event[STN_EVENT_KEY])
{
    struct stn_group *group = core->sender->groups;
    while (group != NULL && memcmp(group->event, event, STN_EVENT_KEY) != 0)
        group = group->next;
    return group;
}

static struct stn_group *group_make(stn_core *core, const uint8_t event[STN_EVENT_KEY])
{
    struct stn_group *group = stn_group_of(core, event);
    if (group != NULL)
        return group;
    group = calloc(1, sizeof *group);
    if (group == NULL)
        return NULL;
    memcpy(group->event, event, STN_EVENT_KEY);
    group->ptime = core->sender->ptime;
    group->hold = core->sender->hold;
    group->next = core->sender->groups;
    core->sender->groups = group;
    return group;
}

static void group_drop_if_empty(stn_core *core, struct stn_group *group)
{
    if (group->rows > 0)
        return;
    struct stn_group **at = &core->sender->groups;
    while (*at != group)
        at = &(*at)->next;
    *at = group->next;
    free(group);
}

static uint32_t class_of(uint32_t maxptime)
{
    uint32_t ptime = stn_effective_ptime(120, maxptime), class = 0;
    while (class_ptime[class] < ptime)
        class++;
    return class;
}

/* The first one with room for a burst, else the least filled. */
static uint32_t phase_for(const struct stn_group *group, uint32_t class)
{
    uint32_t least = UINT32_MAX, found = 0;
    for (uint32_t phase = 0; phase < STN_ELASTIC_LANES; phase++) {
        const struct stn_lane *lane = group->lanes[class][phase];
        uint32_t count = lane == NULL ? 0 : lane->count;
        if (count < STN_BURST)
            return phase;
        if (count < least)
            least = count, found = phase;
    }
    return found;
}

static struct stn_lane *lane_make(struct stn_group *group, uint32_t class, uint32_t phase)
{
    struct stn_lane *lane = group->lanes[class][phase];
    if (lane != NULL)
        return lane;
    lane = calloc(1, sizeof *lane);
    if (lane == NULL)
        return NULL;
    lane->group = group;
    lane->class = class;
    lane->phase = phase;
    stn_merger_init(&lane->merger, phase, group->ptime, class_ptime[class], &lane->hold);
    stn_merger_set_target(&lane->merger, group->ptime, group->hold);
    stn_red_init(&lane->history);
    group->lanes[class][phase] = lane;
    return lane;
}

static void lane_free(stn_core *core, struct stn_lane *lane)
{
    struct stn_sender *sender = core->sender;
    struct stn_lane *before = NULL;
    for (struct stn_lane *at = sender->active_first; lane->active && at != NULL; before = at, at = at->next_active) {
        if (at != lane)
            continue;
        *(before == NULL ? &sender->active_first : &before->next_active) = lane->next_active;
        if (sender->active_last == lane)
            sender->active_last = before;
        break;
    }
    while (lane->first != NULL) {
        struct stn_job *job = lane->first;
        lane->first = job->next;
        stn_job_release(sender, job);
    }
    lane->group->lanes[lane->class][lane->phase] = NULL;
    free(lane->targets);
    free(lane);
}

static bool lane_add(struct stn_lane *lane, struct stn_row *row)
{
    if (lane->count == lane->room) {
        uint32_t room = lane->room == 0 ? 16 : 2 * lane->room;
        struct stn_target **targets = realloc(lane->targets, room * sizeof *targets);
        if (targets == NULL)
            return false;
        lane->targets = targets;
        lane->room = room;
    }
    row->lane = lane;
    row->position = lane->count;
    lane->targets[lane->count++] = row->target;
    lane->group->rows++;
    return true;
}

static void put(struct stn_lane *lane, uint32_t position, struct stn_target *target)
{
    lane->targets[position] = target;
    target->row->position = position;
}

/* The last row takes the place. Rows below the cursor have got the packet under way and those above have not:
 * where a place below is left, the row just below the cursor fills it, so that neither kind changes. */
static void lane_remove(struct stn_lane *lane, struct stn_row *row)
{
    uint32_t at = row->position;
    if (at < lane->cursor) {
        lane->cursor--;
        put(lane, at, lane->targets[lane->cursor]);
        at = lane->cursor;
    }
    lane->count--;
    put(lane, at, lane->targets[lane->count]);
    lane->red_rows -= row->target->red;
    lane->group->rows--;
    row->lane = NULL;
}

/* -- rows ------------------------------------------------------------------------------------------------- */

static bool list_row(stn_core *core, struct stn_row *row)
{
    if (core->row_count == core->row_room) {
        uint32_t room = core->row_room == 0 ? 256 : 2 * core->row_room;
        struct stn_row **rows = realloc(core->rows, room * sizeof *rows);
        if (rows == NULL)
            return false;
        core->rows = rows;
        core->row_room = room;
    }
    row->slot = core->row_count;
    core->rows[core->row_count++] = row;
    stn_counter_set(&core->counters.rows, core->row_count);
    return true;
}

static void unlist_row(stn_core *core, struct stn_row *row)
{
    struct stn_row *last = core->rows[--core->row_count];
    core->rows[row->slot] = last;
    last->slot = row->slot;
    stn_counter_set(&core->counters.rows, core->row_count);
}

/* What nobody sits in any more, or could not be seated in. `lane` may be NULL. */
static void drop_if_empty(stn_core *core, struct stn_group *group, struct stn_lane *lane)
{
    if (lane != NULL && lane->count == 0)
        lane_free(core, lane);
    group_drop_if_empty(core, group);
}

bool stn_seat(stn_core *core, struct stn_row *row, const uint8_t event[STN_EVENT_KEY], uint32_t maxptime,
              uint64_t first_sequence)
{
    struct stn_group *group = group_make(core, event);
    if (group == NULL)
        return false;
    uint32_t class = class_of(maxptime);
    struct stn_lane *lane = lane_make(group, class, phase_for(group, class));
    if (lane == NULL || !list_row(core, row)) {
        drop_if_empty(core, group, lane);
        return false;
    }
    if (!lane_add(lane, row)) {
        unlist_row(core, row);
        drop_if_empty(core, group, lane);
        return false;
    }
    row->target->first = lane->next;
    row->target->base = first_sequence - lane->next;
    return true;
}

void stn_unseat(stn_core *core, struct stn_row *row)
{
    struct stn_lane *lane = row->lane;
    struct stn_group *group = lane->group;
    lane_remove(lane, row);
    drop_if_empty(core, group, lane);
    unlist_row(core, row);
}

void stn_row_set_red(struct stn_row *row, bool on)
{
    struct stn_target *target = row->target;
    on = on && target->red_type < 128;
    if (row->lane != NULL)
        row->lane->red_rows += (uint32_t)on - (uint32_t)target->red;
    target->red = on;
}

void stn_set_level(stn_core *core, const uint8_t *event, uint32_t ptime, bool hold)
{
    if (event == NULL) {
        core->sender->ptime = ptime;
        core->sender->hold = hold;
    }
    for (struct stn_group *group = core->sender->groups; group != NULL; group = group->next) {
        if (event != NULL && memcmp(group->event, event, STN_EVENT_KEY) != 0)
            continue;
        group->ptime = ptime;
        group->hold = hold;
        for (uint32_t i = 0; i < STN_CLASSES * STN_ELASTIC_LANES; i++) {
            struct stn_lane *lane = group->lanes[i / STN_ELASTIC_LANES][i % STN_ELASTIC_LANES];
            if (lane != NULL)
                stn_merger_set_target(&lane->merger, ptime, hold);
        }
    }
}

/* -- what stn_receive.c asks for -------------------------------------------------------------------------- */

/* Moves are for information, and a browser can make many: they leave half of the ring to what must not be lost. */
static bool is_crowded(const struct stn_up_ring *ring)
{
    uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    return atomic_load_explicit(&ring->tail, memory_order_relaxed) - head > ring->size / 2;
}

static void notify(stn_core *core, const struct stn_row *row, enum stn_notice notice, enum stn_close_reason detail)
{
    if (notice == STN_NOTICE_MOVED && is_crowded(&core->notices))
        return;
    const struct stn_target *target = row->target;
    const struct stn_up_record record = {.row = row->handle, .kind = (uint8_t)notice, .detail = (uint8_t)detail,
                                         .from = target->to, .local = target->from};
    stn_up_push(&core->notices, &record, NULL);
}

void stn_row_point(const stn_core *core, struct stn_row *row, const struct stn_address *to,
                   const struct stn_source *from)
{
    struct stn_target *target = row->target;
    target->to = *to;
    target->from = *from;
    /* Without a socket there is no kernel to ask. */
    target->told = core->fd < 0 || stn_route_is_told(core->ipv6, to, from);
}

void stn_row_moved(stn_core *core, struct stn_row *row, const struct stn_pair *pair)
{
    stn_row_point(core, row, &pair->address, &pair->source);
    notify(core, row, STN_NOTICE_MOVED, 0);
}

void stn_row_confirmed(stn_core *core, struct stn_row *row)
{
    if (row->confirmed)
        return;
    row->confirmed = true;
    notify(core, row, STN_NOTICE_CONFIRMED, 0);
}

void stn_row_reported(stn_core *core, struct stn_row *row, uint8_t fraction_lost)
{
    if (row->target->red_type > 127)
        return;
    uint64_t unsent = core->counters.unsent[STN_UNSENT_FULL] + core->counters.unsent[STN_UNSENT_LATE];
    bool ours = unsent != row->unsent, before = row->loss.redundant;
    row->unsent = unsent;
    if (stn_loss_report(&row->loss, fraction_lost, ours) != before)
        stn_row_set_red(row, !before);
}

void stn_row_closed(stn_core *core, struct stn_row *row, enum stn_close_reason reason)
{
    if (!row->seated)
        return;
    row->seated = false;
    for (int i = 0; i < STN_ICE_PAIRS; i++)
        if (row->ice.pairs[i].used)
            stn_release(core, &row->ice.pairs[i].address, row);
    stn_index_remove_session(core->index, row);
    stn_unseat(core, row);
    if (reason != STN_CLOSE_REMOVED)
        notify(core, row, STN_NOTICE_CLOSED, reason);
}

#include "stn_fanout.h"

#include <stdlib.h>
#include <string.h>

#include "stn_batch.h"

#define ADVANCE_GRACE (10 * STN_MS) /* a frame may be so late before the program counts as paused */

int stn_sender_open(stn_core *core, int64_t spread, int64_t max_late)
{
    struct stn_sender *sender = calloc(1, sizeof *sender);
    core->sender = sender;
    if (sender == NULL)
        return -1;
    sender->spread = spread;
    sender->max_late = max_late;
    sender->ptime = 20;
    sender->batch = stn_batch_new(STN_RTP_HEADER + STN_MAX_FRAME + 1 + STN_RTP_OVERHEAD);
    return sender->batch == NULL ? -1 : 0;
}

void stn_job_release(struct stn_sender *sender, struct stn_job *job)
{
    job->next = sender->spare;
    sender->spare = job;
}

static struct stn_job *job_new(struct stn_sender *sender)
{
    struct stn_job *job = sender->spare;
    if (job == NULL)
        return malloc(sizeof *job);
    sender->spare = job->next;
    return job;
}

static void free_jobs(struct stn_job *job)
{
    while (job != NULL) {
        struct stn_job *next = job->next;
        free(job);
        job = next;
    }
}

void stn_sender_close(stn_core *core)
{
    struct stn_sender *sender = core->sender;
    if (sender == NULL)
        return;
    while (core->row_count > 0)
        stn_unseat(core, core->rows[core->row_count - 1]);
    free_jobs(sender->spare);
    stn_batch_free(sender->batch);
    free(sender);
    core->sender = NULL;
}

/* -- frames ----------------------------------------------------------------------------------------------- */

static void enqueue(struct stn_sender *sender, struct stn_lane *lane, struct stn_job *job)
{
    job->next = NULL;
    if (lane->first == NULL)
        lane->first = job;
    else
        lane->last->next = job;
    lane->last = job;
    lane->waiting++;
    if (lane->active)
        return;
    lane->active = true;
    lane->next_active = NULL;
    if (sender->active_first == NULL)
        sender->active_first = lane;
    else
        sender->active_last->next_active = lane;
    sender->active_last = lane;
}

/* Whose turn for a sender report has come since the last packet of the lane. */
static void plan_reports(struct stn_lane *lane, struct stn_job *job)
{
    uint64_t slot = lane->group->timestamp / STN_TICK_SAMPLES + 1; /* +1: a lane that has sent none begins at 0 */
    uint64_t turns = slot > lane->slot ? slot - lane->slot : 0;
    if (lane->slot == 0)
        turns = 1;
    if (turns > STN_REPORT_SLOTS)
        turns = STN_REPORT_SLOTS;
    lane->slot = slot;
    job->report_count = (uint32_t)turns;
    job->report_first = (uint32_t)((slot - turns) % STN_REPORT_SLOTS);
    job->report_ntp = lane->group->ntp;
    job->report_timestamp = (uint32_t)lane->group->timestamp;
}

struct emitting {
    stn_core *core;
    struct stn_lane *lane;
};

/* The merger of a lane has finished a packet. */
static void emit(void *context, const struct stn_merged *packet)
{
    const struct emitting *emitting = context;
    struct stn_lane *lane = emitting->lane;
    struct stn_sender *sender = emitting->core->sender;
    if (lane->next > 0)
        lane->next += packet->lost < STN_MAX_LOST ? packet->lost : STN_MAX_LOST;
    uint64_t number = lane->next++;
    sender->packets++;
    struct stn_job *job = lane->waiting < STN_MAX_JOBS && packet->payload.len <= STN_MAX_FRAME ? job_new(sender) : NULL;
    if (job == NULL) {
        stn_count(&emitting->core->counters.unsent[STN_UNSENT_LATE], lane->count);
        return;
    }
    job->number = number;
    job->timestamp = (uint32_t)packet->timestamp;
    job->due = sender->feeding_due;
    job->before = sender->feeding_rows;
    job->payload_len = (uint32_t)packet->payload.len;
    memcpy(job->payload, packet->payload.data, packet->payload.len);
    job->red_len = 0;
    job->red_type = -1;
    if (lane->red_rows > 0 && !sender->plain)
        job->red_len = (uint32_t)stn_red_build(&lane->history, STN_RED_DEPTH, 0, packet->timestamp, packet->payload,
                                               job->red, sizeof job->red);
    stn_red_push(&lane->history, packet->timestamp, packet->payload);
    plan_reports(lane, job);
    enqueue(sender, lane, job);
    sender->feeding_rows += lane->count;
    job->total = sender->feeding_rows;
    if (sender->fed < STN_MAX_FED)
        sender->fed_jobs[sender->fed++] = job;
}

/* What `each` makes the mergers of a group's lanes give out is one tick: its rows share the spread. */
static void for_each_lane(stn_core *core, struct stn_group *group, int64_t now,
                          void (*each)(struct emitting *, const void *), const void *argument)
{
    struct stn_sender *sender = core->sender;
    sender->feeding_due = now;
    sender->feeding_rows = 0;
    sender->fed = 0;
    for (uint32_t i = 0; i < STN_CLASSES * STN_ELASTIC_LANES; i++) {
        struct emitting emitting = {core, group->lanes[i / STN_ELASTIC_LANES][i % STN_ELASTIC_LANES]};
        if (emitting.lane != NULL)
            each(&emitting, argument);
    }
    for (uint32_t i = 0; i < sender->fed; i++)
        sender->fed_jobs[i]->total = sender->feeding_rows;
}

struct frame {
    uint64_t sequence;
    uint64_t timestamp;
    struct stn_slice payload;
};

static void feed(struct emitting *emitting, const void *argument)
{
    const struct frame *frame = argument;
    stn_merger_feed(&emitting->lane->merger, frame->sequence, frame->timestamp, frame->payload, emit, emitting);
}

static void advance(struct emitting *emitting, const void *argument)
{
    stn_merger_advance(&emitting->lane->merger, *(const uint64_t *)argument, emit, emitting);
}

void stn_frame(stn_core *core, const uint8_t event[STN_EVENT_KEY], uint64_t sequence, uint64_t timestamp,
               struct stn_slice payload, uint64_t ntp, int64_t now)
{
    struct stn_group *group = stn_group_of(core, event);
    if (group == NULL)
        return;
    if (payload.len > STN_MAX_FRAME || (group->started && sequence <= group->sequence)) {
        stn_count(&core->counters.frames_refused, 1);
        return;
    }
    group->step = group->started ? timestamp - group->timestamp : 0;
    group->started = true;
    group->sequence = sequence;
    group->timestamp = timestamp;
    group->ntp = ntp;
    group->arrived = now;
    stn_count(&core->counters.frames, 1);
    const struct frame frame = {sequence, timestamp, payload};
    for_each_lane(core, group, now, feed, &frame);
}

void stn_group_advance(stn_core *core, struct stn_group *group, uint64_t timestamp, int64_t now)
{
    for_each_lane(core, group, now, advance, &timestamp);
}

void stn_fanout_tick(stn_core *core, int64_t now)
{
    for (struct stn_group *group = core->sender->groups; group != NULL; group = group->next) {
        int64_t since = now - group->arrived - ADVANCE_GRACE;
        if (group->started && since > STN_TICK_NS)
            stn_group_advance(core, group, group->timestamp + (uint64_t)(since * 48 / STN_MS), now);
    }
}

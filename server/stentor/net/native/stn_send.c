/* Jobs to datagrams: the part that runs for every packet of every listener. */
#include "stn_fanout.h"

#include <string.h>
#include <time.h>

#include "stn_batch.h"
#include "stn_bytes.h"
#include "stn_rtcp.h"

#define LANE_STEP 41 /* slots between the reports of two lanes' first rows: 6 x 41 goes once round 250 */
#define TARGETS_AHEAD 8    /* while so many are sealed, another one's lines come from memory */
#define ROW_TIME 4000      /* ns of spread for each row, about what it takes */
/* Of a full house, which takes the tick, go those together that are due within this time: each wake-up costs. */
#define GRAIN (STN_BURST * ROW_TIME)

static const char cname[] = "stentor";

const int64_t stn_lateness_limits[STN_LATENESS_BUCKETS] = {
    250000,        500000,        STN_MS,        2 * STN_MS,   5 * STN_MS,   10 * STN_MS,
    20 * STN_MS,   40 * STN_MS,   60 * STN_MS,   100 * STN_MS, 200 * STN_MS, INT64_MAX,
};

static int64_t clock_now(const stn_core *core, int64_t now)
{
    if (core->stepping)
        return now;
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * STN_SECOND + time.tv_nsec;
}

static void count_lateness(struct stn_counters *counters, int64_t late, uint32_t packets)
{
    int bucket = 0;
    while (late > stn_lateness_limits[bucket])
        bucket++;
    stn_count(&counters->lateness[bucket], packets);
    if (late > (int64_t)atomic_load_explicit(&counters->lateness_max, memory_order_relaxed))
        stn_counter_set(&counters->lateness_max, (uint64_t)late);
}

static void flush(stn_core *core, int64_t due, int64_t now)
{
    struct stn_batch *batch = core->sender->batch;
    uint32_t packets = stn_batch_count(batch);
    if (packets == 0)
        return;
    struct stn_sent sent = stn_batch_flush(core, batch);
    stn_count(&core->counters.packets_sent, sent.sent);
    stn_count(&core->counters.octets_sent, sent.octets);
    stn_count(&core->counters.unsent[STN_UNSENT_REFUSED], sent.refused);
    stn_count(&core->counters.unsent[STN_UNSENT_FULL], sent.full);
    int64_t late = clock_now(core, now) - due;
    count_lateness(&core->counters, late > 0 ? late : 0, packets);
}

/* Over how long the rows of the job's tick are spread. */
static int64_t spread_of(const stn_core *core, const struct stn_job *job)
{
    int64_t wanted = (int64_t)job->total * ROW_TIME;
    return wanted < core->sender->spread ? wanted : core->sender->spread;
}

/* When row `at` of the job's lane is due. */
static int64_t due_of(const stn_core *core, const struct stn_job *job, uint32_t at)
{
    if (job->total == 0 || core->sender->spread == 0)
        return job->due;
    return job->due + spread_of(core, job) * (int64_t)(job->before + at) / (int64_t)job->total;
}

/* How many rows of the lane are due at `now`. */
static uint32_t due_rows(const stn_core *core, const struct stn_lane *lane, int64_t now)
{
    const struct stn_job *job = lane->first;
    int64_t spread = spread_of(core, job), since = now + GRAIN - job->due;
    if (spread == 0)
        return now >= job->due ? lane->count : 0;
    if (since < 0)
        return 0;
    int64_t rows = since >= spread ? job->total : since * (int64_t)job->total / spread + 1;
    rows -= job->before;
    return rows < 0 ? 0 : rows > (int64_t)lane->count || since >= spread ? lane->count : (uint32_t)rows;
}

/* The redundant variant with this listener's payload type of Opus in its block headers. */
static stn_slice red_for(struct stn_job *job, const struct stn_target *target)
{
    if (job->red_type != target->payload_type) {
        uint8_t *at = job->red;
        for (; *at & 0x80; at += 4)
            *at = 0x80 | target->payload_type;
        *at = target->payload_type;
        job->red_type = target->payload_type;
    }
    return (stn_slice){job->red, job->red_len};
}

static void prefetch_after(const struct stn_lane *lane, uint32_t at)
{
    if (at + TARGETS_AHEAD < lane->count) {
        const char *target = (const char *)lane->targets[at + TARGETS_AHEAD];
        for (size_t line = 0; line < sizeof(struct stn_target); line += 64)
            __builtin_prefetch(target + line);
    }
}

static void seal_for(stn_core *core, struct stn_job *job, struct stn_target *target)
{
    struct stn_batch *batch = core->sender->batch;
    uint8_t *packet = stn_batch_slot(batch);
    bool red = target->red && job->red_len > 0;
    stn_slice payload = red ? red_for(job, target) : (stn_slice){job->payload, job->payload_len};
    uint64_t index = target->base + job->number;
    packet[0] = 0x80; /* RFC 3550 section 5.1 */
    packet[1] = red ? target->red_type : target->payload_type;
    stn_put16(packet + 2, (uint16_t)index);
    stn_put32(packet + 4, job->timestamp);
    stn_put32(packet + 8, target->ssrc);
    size_t len = stn_srtp_seal(&target->rtp, packet, payload, index);
    if (len == 0) {
        stn_count(&core->counters.unsent[STN_UNSENT_CIPHER], 1);
        return;
    }
    stn_set(&target->packets, target->packets + 1);
    stn_set(&target->octets, target->octets + (uint32_t)payload.len);
    stn_batch_add(core, batch, len, &target->to, target->told ? &target->from : NULL);
}

/* Rows of the first job from the cursor on, `end` not included. */
static void send_rows(stn_core *core, struct stn_lane *lane, uint32_t end, int64_t now)
{
    struct stn_job *job = lane->first;
    int64_t due = due_of(core, job, lane->cursor);
    for (; lane->cursor < end; lane->cursor++) {
        struct stn_target *target = lane->targets[lane->cursor];
        prefetch_after(lane, lane->cursor);
        if (job->number < target->first)
            continue; /* it was seated after this packet was made */
        if (stn_batch_count(core->sender->batch) == STN_BATCH) {
            flush(core, due, now);
            due = due_of(core, job, lane->cursor);
        }
        seal_for(core, job, target);
    }
    flush(core, due, now);
}

static void send_report(stn_core *core, const struct stn_job *job, const struct stn_target *target)
{
    struct stn_batch *batch = core->sender->batch;
    struct stn_row *row = target->row;
    uint8_t plain[STN_RTCP_MAX_SENDER_REPORT];
    if (target->packets == 0 || row->rtcp_index > UINT32_C(0x7fffffff))
        return;
    size_t len = stn_rtcp_sender_report(plain, target->ssrc, job->report_ntp, job->report_timestamp, target->packets,
                                        target->octets, (stn_slice){(const uint8_t *)cname, sizeof cname - 1});
    len = stn_srtcp_seal(&core->ciphers, &row->rtcp_out, (stn_slice){plain, len}, row->rtcp_index++,
                         stn_batch_slot(batch));
    if (len > 0)
        stn_batch_add(core, batch, len, &target->to, target->told ? &target->from : NULL);
    if (stn_batch_count(batch) == STN_BATCH)
        stn_count(&core->counters.reports_sent, stn_batch_flush(core, batch).sent);
}

/* Sender reports to the rows whose turn has come: one in 250 for each tick since the packet before. */
static void send_reports(stn_core *core, struct stn_lane *lane)
{
    const struct stn_job *job = lane->first;
    uint32_t shift = lane->phase * LANE_STEP % STN_REPORT_SLOTS;
    for (uint32_t turn = 0; turn < job->report_count; turn++) {
        uint32_t at = (job->report_first + turn + STN_REPORT_SLOTS - shift) % STN_REPORT_SLOTS;
        for (; at < lane->count; at += STN_REPORT_SLOTS)
            send_report(core, job, lane->targets[at]);
    }
    stn_count(&core->counters.reports_sent, stn_batch_flush(core, core->sender->batch).sent);
}

static void finish_job(stn_core *core, struct stn_lane *lane)
{
    struct stn_job *job = lane->first;
    lane->first = job->next;
    lane->waiting--;
    lane->cursor = 0;
    stn_job_release(core->sender, job);
}

/* Everything of the lane that is due; true when more jobs wait. */
static bool send_lane(stn_core *core, struct stn_lane *lane, int64_t now)
{
    while (lane->first != NULL) {
        struct stn_job *job = lane->first;
        if (now - job->due > core->sender->max_late) {
            stn_count(&core->counters.unsent[STN_UNSENT_LATE], lane->count - lane->cursor);
            finish_job(core, lane);
            continue;
        }
        send_rows(core, lane, due_rows(core, lane, now), now);
        if (lane->cursor < lane->count)
            return true;
        send_reports(core, lane);
        finish_job(core, lane);
    }
    return false;
}

void stn_send_due(stn_core *core, int64_t now)
{
    struct stn_sender *sender = core->sender;
    struct stn_lane **at = &sender->active_first;
    struct stn_lane *before = NULL;
    while (*at != NULL) {
        struct stn_lane *lane = *at;
        if (send_lane(core, lane, clock_now(core, now))) {
            before = lane;
            at = &lane->next_active;
        } else {
            lane->active = false;
            *at = lane->next_active;
        }
    }
    sender->active_last = before;
}

int64_t stn_send_next(const stn_core *core)
{
    int64_t next = STN_NEVER;
    for (const struct stn_lane *lane = core->sender->active_first; lane != NULL; lane = lane->next_active) {
        int64_t due = due_of(core, lane->first, lane->cursor);
        if (due < next)
            next = due;
    }
    return next;
}

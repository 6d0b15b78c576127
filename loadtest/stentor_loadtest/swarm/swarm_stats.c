/* What was heard, for Python to ask. */
#include <stddef.h>
#include <string.h>

#include "swarm_core.h"

void swarm_mark(swarm *s)
{
    pthread_mutex_lock(&s->lock);
    swarm_program_mark(&s->program);
    for (uint32_t i = 0; i < s->count; i++) {
        swarm_reception_mark(&s->rows[i].reception);
        swarm_hearing_mark(&s->hearings[i]);
    }
    pthread_mutex_unlock(&s->lock);
}

void swarm_listener(swarm *s, uint32_t index, swarm_listener_stats *out)
{
    memset(out, 0, sizeof *out);
    if (index >= s->count)
        return;
    pthread_mutex_lock(&s->lock);
    const swarm_listener_row *row = &s->rows[index];
    const swarm_reception *r = &row->reception;
    *out = (swarm_listener_stats){.packets = r->packets,
                                  .expected = swarm_expected(r),
                                  .bytes = r->bytes,
                                  .duplicates = r->duplicates,
                                  .backwards = r->backwards,
                                  .late_20ms = r->late,
                                  .longest_gap_ns = r->longest_gap,
                                  .unreadable = row->unreadable,
                                  .opened = row->opened,
                                  .sender_reports = row->sender_reports,
                                  .consent_sent = row->consent_sent,
                                  .consent_answered = row->consent_answered,
                                  .reports_sent = row->reports_sent,
                                  .first_packet_ns = (uint64_t)r->started_at,
                                  .last_packet_ns = (uint64_t)r->arrival,
                                  .seated = row->state == SWARM_SEATED,
                                  .closed = row->state == SWARM_GONE};
    pthread_mutex_unlock(&s->lock);
}

void swarm_assign(swarm *s, uint32_t index, uint32_t listener)
{
    if (index >= s->count || listener >= s->count)
        return;
    pthread_mutex_lock(&s->lock);
    s->listener_of[index] = listener;
    pthread_mutex_unlock(&s->lock);
}

void swarm_heard_by(swarm *s, uint32_t listener, swarm_hearing_stats *out)
{
    memset(out, 0, sizeof *out);
    if (listener >= s->count)
        return;
    pthread_mutex_lock(&s->lock);
    const swarm_hearing *h = &s->hearings[listener];
    *out = (swarm_hearing_stats){.first_packet_ns = (uint64_t)h->first,
                                 .last_packet_ns = (uint64_t)h->newest,
                                 .longest_gap_ns = h->longest_gap,
                                 .gaps = h->gaps,
                                 .lost_ns = h->lost_ns};
    for (int i = 0; i < SWARM_SILENCES; i++) {
        out->begins[i] = (uint64_t)h->silences[i].begin;
        out->ends[i] = (uint64_t)h->silences[i].end;
    }
    pthread_mutex_unlock(&s->lock);
}

size_t swarm_quiet(swarm *s, uint64_t since_ns, uint32_t *out, size_t most)
{
    size_t found = 0;
    pthread_mutex_lock(&s->lock);
    for (uint32_t i = 0; i < s->count && found < most; i++)
        if (s->hearings[i].first != 0 && s->hearings[i].newest < (int64_t)since_ns)
            out[found++] = i;
    pthread_mutex_unlock(&s->lock);
    return found;
}

void swarm_sum(swarm *s, swarm_totals *out)
{
    pthread_mutex_lock(&s->lock);
    *out = s->totals;
    pthread_mutex_unlock(&s->lock);
}

void swarm_lateness(swarm *s, int shared_baseline, uint64_t *counts, size_t buckets)
{
    pthread_mutex_lock(&s->lock);
    const swarm_histogram *h = shared_baseline ? &s->program.shared : &s->program.own;
    for (size_t i = 0; i < buckets; i++)
        counts[i] = i < SWARM_LATE_BUCKETS ? h->counts[i] : 0;
    if (buckets > 0)
        for (size_t i = buckets; i < SWARM_LATE_BUCKETS; i++)
            counts[buckets - 1] += h->counts[i];
    pthread_mutex_unlock(&s->lock);
}

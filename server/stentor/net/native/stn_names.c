/* Counters by name, so that Python needs no copy of their order. */
#include "stn_api.h"

#define COUNTERS (sizeof(struct stn_counters) / sizeof(stn_counter))

static const char *const unsent_names[STN_UNSENT_COUNT] = {"unsent full", "unsent refused", "unsent late",
                                                           "unsent cipher"};
static const char *const lateness_names[STN_LATENESS_BUCKETS] = {
    "lateness 0", "lateness 1", "lateness 2", "lateness 3", "lateness 4",  "lateness 5",
    "lateness 6", "lateness 7", "lateness 8", "lateness 9", "lateness 10", "lateness 11"};

#define PLACE(member) (offsetof(struct stn_counters, member) / sizeof(stn_counter))

static const struct {
    size_t place;
    const char *name;
} single[] = {
    {PLACE(packets_sent), "packets_sent"},
    {PLACE(octets_sent), "octets_sent"},
    {PLACE(reports_sent), "reports_sent"},
    {PLACE(frames), "frames"},
    {PLACE(frames_refused), "frames_refused"},
    {PLACE(lateness_max), "lateness_max"},
    {PLACE(send_calls), "send_calls"},
    {PLACE(datagrams_received), "datagrams_received"},
    {PLACE(bindings), "bindings"},
    {PLACE(contacts), "contacts"},
    {PLACE(rtcp), "rtcp"},
    {PLACE(moves), "moves"},
    {PLACE(consent_lost), "consent_lost"},
    {PLACE(rows), "rows"},
    {PLACE(seats_refused), "seats_refused"},
    {PLACE(trunk_datagrams), "trunk_datagrams"},
    {PLACE(trunk_received), "trunk_received"},
    {PLACE(trunk_recovered), "trunk_recovered"},
    {PLACE(trunk_lost), "trunk_lost"},
    {PLACE(trunk_packets_sent), "trunk_packets_sent"},
    {PLACE(trunk_octets_sent), "trunk_octets_sent"},
    {PLACE(trunk_unsent), "trunk_unsent"},
};

uint32_t stn_counter_count(void) { return COUNTERS; }

int stn_counter_is_drop(uint32_t number)
{
    return number >= PLACE(dropped) && number < PLACE(dropped) + STN_DROP_COUNT;
}

const char *stn_counter_name(uint32_t number)
{
    if (number >= PLACE(unsent) && number < PLACE(unsent) + STN_UNSENT_COUNT)
        return unsent_names[number - PLACE(unsent)];
    if (number >= PLACE(lateness) && number < PLACE(lateness) + STN_LATENESS_BUCKETS)
        return lateness_names[number - PLACE(lateness)];
    if (stn_counter_is_drop(number))
        return stn_drop_name((int)(number - PLACE(dropped)));
    for (size_t i = 0; i < sizeof single / sizeof single[0]; i++)
        if (single[i].place == number)
            return single[i].name;
    return "";
}

void stn_read_counters(stn_core *core, uint64_t *out)
{
    stn_counter *counters = (stn_counter *)&core->counters; /* nothing but counters, without holes */
    for (size_t i = 0; i < COUNTERS; i++)
        out[i] = atomic_load_explicit(&counters[i], memory_order_relaxed);
}

int64_t stn_lateness_limit(uint32_t bucket) { return stn_lateness_limits[bucket]; }

#include "stn_join.h"

#define RATE 48           /* samples in a millisecond */
#define SHORTEST_STEP 960 /* samples: 20 ms, what a new epoch's first frame is after the last one at least */
#define MILLISECOND INT64_C(1000000)
#define ROUND INT64_C(65536) /* sequence numbers */
#define FRAME (20 * MILLISECOND)
#define FILL_AFTER (400 * MILLISECOND)   /* as SILENCE in core/trunk/link.py: by then another parent is asked */
#define FILL_FOR (30000 * MILLISECOND)   /* a relay that is cut off must not hold its listeners for ever */

enum stn_joining stn_join_what(const struct stn_join *join, uint32_t epoch)
{
    if (join->tied && epoch < join->epoch)
        return STN_JOIN_FENCED;
    return !join->tied || epoch > join->epoch ? STN_JOIN_BEGINS : STN_JOIN_FOLLOWS;
}

struct stn_place stn_join_begin(struct stn_join *join, uint32_t epoch, uint16_t sequence, uint32_t timestamp,
                                int64_t now)
{
    const struct stn_place place = {sequence, timestamp};
    struct stn_place next = place;
    if (join->started) {
        int64_t gone = ((now - join->at) * RATE + MILLISECOND / 2) / MILLISECOND;
        next.sequence = join->given.sequence + 1;
        next.timestamp = join->given.timestamp + (gone > SHORTEST_STEP ? gone : SHORTEST_STEP);
    }
    join->tied = true;
    join->epoch = epoch;
    join->stream = (struct stn_place){place.sequence - 1, place.timestamp - 1}; /* so that it is a new one */
    join->offset = (struct stn_place){next.sequence - place.sequence, next.timestamp - place.timestamp};
    return place;
}

struct stn_place stn_join_follow(const struct stn_join *join, uint16_t sequence, uint32_t timestamp)
{
    int16_t ahead = (int16_t)(uint16_t)(sequence - (uint64_t)join->stream.sequence);
    int32_t later = (int32_t)(uint32_t)(timestamp - (uint64_t)join->stream.timestamp);
    struct stn_place place = {join->stream.sequence + ahead, join->stream.timestamp + later};
    if (later > 0 && ahead <= 0)
        place.sequence += ROUND; /* so long a silence that the sequence went half round: time tells */
    return place;
}

bool stn_join_is_new(const struct stn_join *join, struct stn_place place)
{
    return place.sequence > join->stream.sequence && place.timestamp > join->stream.timestamp &&
           place.timestamp + join->offset.timestamp > join->given.timestamp;
}

bool stn_join_is_covered(const struct stn_join *join, struct stn_place place)
{
    return join->filled && place.sequence > join->stream.sequence &&
           place.timestamp + join->offset.timestamp <= join->given.timestamp;
}

void stn_join_skip(struct stn_join *join, struct stn_place place, int64_t now)
{
    join->heard_at = now; /* or the next one would be too late again */
    join->offset.sequence -= place.sequence - join->stream.sequence;
    join->stream = place;
}

bool stn_join_fill(struct stn_join *join, int64_t now, struct stn_place *given)
{
    int64_t silent = now - join->heard_at, frames = (now - join->at) / FRAME;
    if (!join->tied || silent < FILL_AFTER || silent > FILL_FOR || frames < 1)
        return false;
    join->given.sequence++;
    join->given.timestamp += frames * SHORTEST_STEP;
    join->at += frames * FRAME;
    join->offset.sequence++;
    join->filled = true;
    *given = join->given;
    return true;
}

struct stn_place stn_join_take(struct stn_join *join, struct stn_place place, int64_t now)
{
    struct stn_place given = {place.sequence + join->offset.sequence, place.timestamp + join->offset.timestamp};
    join->stream = place;
    stn_join_note(join, given, now);
    return given;
}

void stn_join_note(struct stn_join *join, struct stn_place given, int64_t now)
{
    join->started = true;
    join->given = given;
    join->at = join->heard_at = now;
    join->filled = false;
}

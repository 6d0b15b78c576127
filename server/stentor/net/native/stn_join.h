/* Joins the streams of one event, one parent after another, into the program that listeners hear: core/trunk/join.py
 * in C.
 *
 * Streams of one stage epoch carry the same numbers, whose low bits are in a packet's header. A new stage counts from
 * somewhere else: its first frame follows the last one in sequence, and in timestamp by the time that has passed.
 * Children get the stream's own numbers, extended. Pure: no allocation.
 */
#ifndef STN_JOIN_H
#define STN_JOIN_H

#include <stdbool.h>
#include <stdint.h>

/* Numbers of a frame, extended. */
struct stn_place {
    int64_t sequence;
    int64_t timestamp;
};

/* One event. */
struct stn_join {
    bool started;           /* a frame was given, whoever brought it: */
    struct stn_place given; /* the newest, as our listeners have it */
    int64_t at;             /* ns, when it came, or was due when it was made here */
    int64_t heard_at;       /* ns, when the newest that was not made here came */
    bool filled;            /* silence was given since then */
    bool tied;               /* a stream was heard: */
    uint32_t epoch;          /* of the newest */
    struct stn_place stream; /* its newest frame, in its own numbers */
    struct stn_place offset; /* listeners' numbers less the stream's own */
};

enum stn_joining {
    STN_JOIN_FENCED,  /* of a lower epoch than one that was heard */
    STN_JOIN_BEGINS,  /* only the packet's own frame counts: stn_join_begin */
    STN_JOIN_FOLLOWS, /* stn_join_follow */
};

/* What a packet of an uplink of this epoch does. Changes nothing. */
enum stn_joining stn_join_what(const struct stn_join *join, uint32_t epoch);

/* Tie a stream, the first frame of which has these numbers; its place in the stream. */
struct stn_place stn_join_begin(struct stn_join *join, uint32_t epoch, uint16_t sequence, uint32_t timestamp,
                                int64_t now);

/* The place in the stream of a frame with these numbers: the nearest one to the newest frame's, by time. */
struct stn_place stn_join_follow(const struct stn_join *join, uint16_t sequence, uint32_t timestamp);

/* Whether the frame there is newer than all that were given. */
bool stn_join_is_new(const struct stn_join *join, struct stn_place place);

/* The stream's frame there is given now: its place for our listeners. */
struct stn_place stn_join_take(struct stn_join *join, struct stn_place place, int64_t now);

/* Whether the frame there came after silence was given in its place. */
bool stn_join_is_covered(const struct stn_join *join, struct stn_place place);

/* Such a frame is not given: the next one follows the silence in sequence. */
void stn_join_skip(struct stn_join *join, struct stn_place place, int64_t now);

/* Nobody has brought anything for a while: the place for a frame of silence that is due now, if one is. Listeners of
 * a stage that died so stay connected until another has taken over. */
bool stn_join_fill(struct stn_join *join, int64_t now, struct stn_place *given);

/* A frame that did not come by the trunk is given to our listeners now. */
void stn_join_note(struct stn_join *join, struct stn_place given, int64_t now);

#endif

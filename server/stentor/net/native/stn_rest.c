#include "stn_rest.h"

#include "stn_control.h"
#include "stn_fanout.h"
#include "stn_trunk.h"

#define EARLY (2 * STN_MS)    /* so much earlier than those before it a frame may come and be sent in time */
#define LONGEST (60 * STN_MS) /* checks of listeners and words of other nodes wait as long */

/* The event that alone is heard here, and that nobody further down is sent; without such a one no frame may wait. */
static const struct stn_group *only_group(const stn_core *core)
{
    const struct stn_group *group = core->sender->groups;
    for (const struct stn_program *program = core->trunk->programs; program != NULL; program = program->next)
        if (program->children != NULL)
            return NULL;
    return group == NULL || group->next != NULL ? NULL : group;
}

/* With how many further frames the first of the group's next packets is complete, should they go on as they came. */
static int64_t frames_left(const struct stn_group *group)
{
    uint64_t least = STN_ELASTIC_NEVER;
    for (uint32_t i = 0; i < STN_CLASSES * STN_ELASTIC_LANES; i++) {
        const struct stn_lane *lane = group->lanes[i / STN_ELASTIC_LANES][i % STN_ELASTIC_LANES];
        uint64_t last = lane == NULL ? STN_ELASTIC_NEVER : stn_merger_ends_with(&lane->merger, STN_TICK_SAMPLES);
        if (last < least)
            least = last;
    }
    if (least == STN_ELASTIC_NEVER || least <= group->timestamp)
        return 0;
    return (int64_t)(least - group->timestamp + STN_TICK_SAMPLES - 1) / STN_TICK_SAMPLES;
}

/* When the frame comes that ends the next packet, should the newest have come just in time; 0: nobody knows. */
static int64_t next_end(const stn_core *core)
{
    const struct stn_group *group = only_group(core);
    if (group == NULL || group->step != STN_TICK_SAMPLES)
        return 0;
    return group->arrived + frames_left(group) * STN_TICK_NS;
}

int64_t stn_rest_until(stn_core *core, int64_t now)
{
    struct stn_rest *rest = &core->control->rest;
    if (core->trunk == NULL)
        return 0;
    if (rest->packets != core->sender->packets) {
        /* The frame that ended a packet while we rested came at nobody knows what time: the next one is waited for. */
        int64_t end = rest->is_on ? 0 : next_end(core) - EARLY;
        rest->until = end < now + STN_TICK_NS ? 0 : end < now + LONGEST ? end : now + LONGEST;
        rest->packets = core->sender->packets;
    }
    rest->is_on = rest->until > now;
    return rest->is_on ? rest->until : 0;
}

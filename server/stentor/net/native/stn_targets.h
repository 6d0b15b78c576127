/* Where targets lie: side by side in blocks, so that the packets of a tick walk through few pages of memory, whatever
 * else was allocated between two joins. A block stays until the end. */
#ifndef STN_TARGETS_H
#define STN_TARGETS_H

#include "stn_core.h"

struct stn_target_block;

struct stn_targets {
    struct stn_target_block *blocks; /* the newest first */
    struct stn_command *spare;       /* the API side's: each lies where a target did */
    struct stn_commands returned;    /* such, not taken over yet */
};

/* One that is all zeros, or NULL when there is no memory. The API side's alone. */
struct stn_target *stn_target_take(struct stn_targets *targets);

/* Back, wiped. By any thread. */
void stn_target_give(struct stn_targets *targets, struct stn_target *target);

/* Every block; nobody uses one any more. */
void stn_targets_close(struct stn_targets *targets);

#endif

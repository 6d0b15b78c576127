#include "stn_targets.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    FIRST = 64,         /* targets: a small house stays small */
    HUGE_PAGE = 2 << 20 /* bytes: every later block is one, where the system has them */
};

struct stn_target_block {
    struct stn_target_block *before;
    struct stn_target *at;
    uint32_t used, room;
};

static struct stn_target_block *block_new(bool is_first)
{
    struct stn_target_block *block = calloc(1, sizeof *block);
    if (block == NULL)
        return NULL;
    size_t size = is_first ? FIRST * sizeof(struct stn_target) : HUGE_PAGE;
    block->room = (uint32_t)(size / sizeof(struct stn_target));
    block->at = aligned_alloc(is_first ? 64 : HUGE_PAGE, size);
    if (block->at == NULL) {
        free(block);
        return NULL;
    }
    if (!is_first)
        madvise(block->at, HUGE_PAGE, MADV_HUGEPAGE); /* refused: small pages do as well, only slower */
    return block;
}

static struct stn_target *new_target(struct stn_targets *targets)
{
    struct stn_target_block *block = targets->blocks;
    if (block == NULL || block->used == block->room) {
        block = block_new(targets->blocks == NULL);
        if (block == NULL)
            return NULL;
        block->before = targets->blocks;
        targets->blocks = block;
    }
    return &block->at[block->used++];
}

struct stn_target *stn_target_take(struct stn_targets *targets)
{
    if (targets->spare == NULL)
        targets->spare = stn_commands_take(&targets->returned);
    struct stn_target *target = (struct stn_target *)targets->spare;
    if (target != NULL)
        targets->spare = targets->spare->next;
    else
        target = new_target(targets);
    if (target != NULL)
        memset(target, 0, sizeof *target);
    return target;
}

void stn_target_give(struct stn_targets *targets, struct stn_target *target)
{
    explicit_bzero(target, sizeof *target); /* keys do not stay behind */
    stn_command_force(&targets->returned, (struct stn_command *)target);
}

void stn_targets_close(struct stn_targets *targets)
{
    for (struct stn_target_block *block = targets->blocks, *before; block != NULL; block = before) {
        before = block->before;
        free(block->at);
        free(block);
    }
}

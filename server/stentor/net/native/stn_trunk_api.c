/* Uplinks and children as Python knows them: made with their keys in its thread, so that the media thread only links
 * them. A handle is the slot, and above it how often that was used: an old handle is nobody's. */
#include "stn_trunk.h"

#include <stdlib.h>
#include <string.h>

#include "stn_api.h"
#include "stn_control.h"

enum { SLOT_BITS = 16, USES = (1 << (32 - SLOT_BITS)) - 1 };
enum { KEY_SIZE = 16 }; /* bytes, of AES-128 */

_Static_assert(STN_UPLINKS <= 1 << SLOT_BITS && STN_CHILDREN <= 1 << SLOT_BITS, "a slot fits a handle");

struct slots {
    void **items;
    uint16_t *uses;
    uint32_t count;
    uint32_t next; /* where to look for a free one */
};

struct stn_api_trunk {
    struct slots uplinks;
    struct slots children;
};

static bool slots_open(struct slots *slots, uint32_t count)
{
    slots->items = calloc(count, sizeof *slots->items);
    slots->uses = calloc(count, sizeof *slots->uses);
    slots->count = count;
    return slots->items != NULL && slots->uses != NULL;
}

static void slots_close(struct slots *slots)
{
    free(slots->items);
    free(slots->uses);
}

/* A handle above 0, or 0 when all are taken. */
static uint32_t slots_put(struct slots *slots, void *item)
{
    for (uint32_t i = 0; i < slots->count; i++) {
        uint32_t slot = (slots->next + i) % slots->count;
        if (slots->items[slot] != NULL)
            continue;
        slots->next = slot + 1;
        slots->items[slot] = item;
        slots->uses[slot] = (uint16_t)(slots->uses[slot] % USES + 1);
        return (uint32_t)slots->uses[slot] << SLOT_BITS | slot;
    }
    return 0;
}

static void **slots_at(const struct slots *slots, uint32_t handle)
{
    uint32_t slot = handle & ((1u << SLOT_BITS) - 1);
    if (slot >= slots->count || slots->items[slot] == NULL || slots->uses[slot] != handle >> SLOT_BITS)
        return NULL;
    return &slots->items[slot];
}

/* Out of the table; NULL when the handle is nobody's. */
static void *slots_take(const struct slots *slots, uint32_t handle)
{
    void **at = slots_at(slots, handle), *item = at == NULL ? NULL : *at;
    if (at != NULL)
        *at = NULL;
    return item;
}

struct stn_api_trunk *stn_api_trunk_new(void)
{
    struct stn_api_trunk *api = calloc(1, sizeof *api);
    if (api == NULL || (slots_open(&api->uplinks, STN_UPLINKS) && slots_open(&api->children, STN_CHILDREN)))
        return api;
    stn_api_trunk_free(api);
    return NULL;
}

void stn_api_trunk_free(struct stn_api_trunk *api)
{
    if (api == NULL)
        return;
    for (uint32_t i = 0; api->uplinks.items != NULL && i < api->uplinks.count; i++)
        if (api->uplinks.items[i] != NULL)
            stn_uplink_free(api->uplinks.items[i]);
    for (uint32_t i = 0; api->children.items != NULL && i < api->children.count; i++)
        if (api->children.items[i] != NULL)
            stn_child_free(api->children.items[i]);
    slots_close(&api->uplinks);
    slots_close(&api->children);
    free(api);
}

/* -- uplinks ---------------------------------------------------------------------------------------------- */

static bool is_known(const struct slots *uplinks, uint32_t ssrc)
{
    for (uint32_t i = 0; i < uplinks->count; i++) {
        const struct stn_uplink *uplink = uplinks->items[i];
        if (uplink != NULL && uplink->ssrc == ssrc)
            return true;
    }
    return false;
}

static struct stn_uplink *uplink_new(const uint8_t *event, uint32_t ssrc, const uint8_t *key, const uint8_t *salt,
                                     uint32_t epoch)
{
    struct stn_srtcp_keys keys;
    struct stn_uplink *uplink = calloc(1, sizeof *uplink);
    if (uplink == NULL)
        return NULL;
    bool done = stn_srtp_keys_derive(&keys, STN_PROFILE_GCM_128, key, salt) &&
                stn_gcm_key(&uplink->gcm, keys.key, KEY_SIZE);
    memcpy(uplink->salt, keys.salt, sizeof uplink->salt);
    explicit_bzero(&keys, sizeof keys);
    if (!done) {
        stn_uplink_free(uplink);
        return NULL;
    }
    memcpy(uplink->event, event, STN_EVENT_KEY);
    uplink->ssrc = ssrc;
    uplink->epoch = epoch;
    return uplink;
}

uint32_t stn_uplink_add(stn_core *core, const uint8_t *event, uint32_t ssrc, const uint8_t *key, const uint8_t *salt,
                        uint32_t epoch)
{
    if (core->trunk == NULL || is_known(&core->trunk->api->uplinks, ssrc))
        return 0;
    struct stn_uplink *uplink = uplink_new(event, ssrc, key, salt, epoch);
    struct stn_order *order = uplink == NULL ? NULL : stn_order_new(STN_UPLINK, 0);
    uint32_t handle = order == NULL ? 0 : slots_put(&core->trunk->api->uplinks, uplink);
    if (handle == 0) {
        free(order);
        if (uplink != NULL)
            stn_uplink_free(uplink);
        return 0;
    }
    order->uplink = uplink;
    stn_order_give(core, order, false);
    return handle;
}

void stn_uplink_remove(stn_core *core, uint32_t handle)
{
    struct stn_order *order = core->trunk == NULL ? NULL : stn_order_new(STN_UPLINK_END, 0);
    if (order == NULL)
        return;
    order->uplink = slots_take(&core->trunk->api->uplinks, handle);
    if (order->uplink == NULL)
        free(order);
    else
        stn_order_give(core, order, false);
}

int stn_uplink_state(stn_core *core, uint32_t handle, struct stn_uplink_state *state)
{
    void **at = core->trunk == NULL ? NULL : slots_at(&core->trunk->api->uplinks, handle);
    if (at == NULL)
        return -1;
    const struct stn_uplink *uplink = *at;
    state->heard_at = (int64_t)uplink->heard_at;
    state->packets = uplink->packets;
    state->frames = uplink->frames;
    state->recovered = uplink->recovered;
    state->lost = uplink->lost;
    state->duplicates = uplink->duplicates;
    state->failures = uplink->failures;
    return 0;
}

/* -- children --------------------------------------------------------------------------------------------- */

uint32_t stn_child_add(stn_core *core, const uint8_t *event, const struct stn_address *to, uint32_t ssrc,
                       const uint8_t *key, const uint8_t *salt, uint32_t epoch)
{
    struct stn_child *child = core->trunk == NULL ? NULL : calloc(1, sizeof *child);
    if (child == NULL)
        return 0;
    struct stn_order *order = stn_order_new(STN_CHILD, 0);
    uint32_t handle = 0;
    if (order != NULL && stn_srtp_sender_open(&child->rtp, STN_PROFILE_GCM_128, key, salt))
        handle = slots_put(&core->trunk->api->children, child);
    if (handle == 0) {
        free(order);
        stn_child_free(child);
        return 0;
    }
    memcpy(child->event, event, STN_EVENT_KEY);
    child->to = *to;
    child->ssrc = ssrc;
    child->epoch = epoch;
    order->child = child;
    stn_order_give(core, order, false);
    return handle;
}

void stn_child_remove(stn_core *core, uint32_t handle)
{
    struct stn_order *order = core->trunk == NULL ? NULL : stn_order_new(STN_CHILD_END, 0);
    if (order == NULL)
        return;
    order->child = slots_take(&core->trunk->api->children, handle);
    if (order->child == NULL)
        free(order);
    else
        stn_order_give(core, order, false);
}

int stn_child_state(stn_core *core, uint32_t handle, struct stn_child_state *state)
{
    void **at = core->trunk == NULL ? NULL : slots_at(&core->trunk->api->children, handle);
    if (at == NULL)
        return -1;
    const struct stn_child *child = *at;
    state->packets = child->packets;
    state->octets = child->octets;
    state->unsent = child->unsent;
    return 0;
}

/* -- the ring of signed datagrams ---------------------------------------------------------------------------- */

int stn_trunk_wake_fd(stn_core *core) { return core->trunk == NULL ? -1 : core->trunk->wake_up; }

int stn_trunk_inject(stn_core *core, const uint8_t *data, size_t len, const struct stn_address *from, int64_t now_ns)
{
    stn_count(&core->counters.trunk_datagrams, 1);
    return stn_trunk_datagram(core, data, len, from, now_ns);
}

#include "stn_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stn_capture.h"
#include "stn_control.h"
#include "stn_fanout.h"
#include "stn_index.h"
#include "stn_io.h"
#include "stn_trunk.h"

#define NOTICE_BYTES (4u << 20) /* 75,000 notices: two for each of 37,000 rows; untouched pages cost nothing */
#define NO_BUDGET UINT32_MAX

static int fail(stn_core *core, char *error, size_t error_size, const char *why)
{
    if (error[0] == '\0')
        snprintf(error, error_size, "%s", why);
    stn_close(core);
    return -1;
}

static int open_parts(stn_core *core, const struct stn_config *config, char *error, size_t error_size)
{
    if (stn_crypto_load(error, error_size) != 0 || !stn_srtp_shared_open(&core->ciphers))
        return fail(core, error, error_size, "OpenSSL refused a cipher");
    core->index = stn_index_new();
    core->io = stn_io_new();
    if (config->capture)
        core->capture = calloc(1, sizeof *core->capture);
    if (core->index == NULL || core->io == NULL || (config->capture && core->capture == NULL) ||
        stn_control_open(core) != 0 || stn_sender_open(core, config->spread_ns, config->max_late_ns) != 0 ||
        stn_receive_open(core) != 0)
        return fail(core, error, error_size, "no memory or no file descriptors for the media core");
    bool *pushed = &core->control->pushed;
    if (stn_up_open(&core->contacts, config->ring_bytes, config->contact_budget, pushed) != 0 ||
        stn_up_open(&core->datagrams, config->ring_bytes, config->datagram_budget, pushed) != 0 ||
        stn_up_open(&core->notices, NOTICE_BYTES, NO_BUDGET, pushed) != 0)
        return fail(core, error, error_size, "no memory for the media core's rings");
    if (config->has_trunk && stn_trunk_open(core, config->trunk_fd, config->trunk_ipv6 != 0, config->ring_bytes) != 0)
        return fail(core, error, error_size, "no memory or no file descriptors for the trunk");
    if (core->capture != NULL)
        core->capture->full_after = UINT32_MAX;
    return 0;
}

stn_core *stn_open(const struct stn_config *config, char *error, size_t error_size)
{
    error[0] = '\0';
    stn_core *core = calloc(1, sizeof *core);
    if (core == NULL) {
        snprintf(error, error_size, "no memory for the media core");
        return NULL;
    }
    core->shard = config->shard;
    core->key_id = config->key_id;
    memcpy(core->secret, config->secret, sizeof core->secret);
    memcpy(core->local_shards, config->local_shards, sizeof core->local_shards);
    core->local_shard_count = config->local_shard_count;
    core->fd = config->fd;
    core->ipv6 = config->ipv6 != 0;
    core->stepping = true;
    return open_parts(core, config, error, error_size) == 0 ? core : NULL;
}

/* Rows that no lane knows any more: closed ones, and those whose command was never obeyed. */
static void free_rows(stn_core *core)
{
    struct stn_control *control = core->control;
    for (uint32_t slot = 0; control != NULL && slot < control->slots; slot++)
        if (control->by_handle[slot] != NULL)
            stn_row_free(core, control->by_handle[slot]);
}

void stn_close(stn_core *core)
{
    if (core == NULL)
        return;
    if (core->control != NULL) {
        stn_stop(core);
        if (core->sender != NULL && core->sender->batch != NULL)
            stn_orders_obey(core);
    }
    stn_sender_close(core);
    free_rows(core);
    stn_trunk_close(core);
    stn_control_close(core);
    stn_receive_close(core);
    stn_up_close(&core->contacts);
    stn_up_close(&core->datagrams);
    stn_up_close(&core->notices);
    stn_index_free(core->index);
    stn_io_free(core->io);
    stn_srtp_shared_close(&core->ciphers);
    if (core->capture != NULL)
        free(core->capture->bytes);
    free(core->capture);
    free(core->rows);
    explicit_bzero(core, sizeof *core);
    free(core);
}

int stn_send_frame(stn_core *core, const uint8_t *event, uint64_t sequence, uint64_t timestamp, const uint8_t *payload,
                   size_t len, uint64_t ntp, int64_t now_ns)
{
    if (len > STN_MAX_FRAME)
        return -1;
    struct stn_order *order = stn_order_new(STN_FRAME, len);
    if (order == NULL)
        return -1;
    memcpy(order->event, event, STN_EVENT_KEY);
    memcpy(order->payload, payload, len);
    order->sequence = sequence;
    order->timestamp = timestamp;
    order->ntp = ntp;
    order->now = now_ns;
    order->len = len;
    return stn_order_give(core, order, true) ? 0 : -1;
}

void stn_advance(stn_core *core, const uint8_t *event, uint64_t timestamp, int64_t now_ns)
{
    struct stn_order *order = stn_order_new(STN_ADVANCE, 0);
    if (order == NULL)
        return;
    memcpy(order->event, event, STN_EVENT_KEY);
    order->timestamp = timestamp;
    order->now = now_ns;
    stn_order_give(core, order, false);
}

void stn_set_ptime(stn_core *core, const uint8_t *event, uint32_t ptime, int hold)
{
    struct stn_order *order = stn_order_new(STN_LEVEL, 0);
    if (order == NULL)
        return;
    order->all_events = event == NULL;
    if (event != NULL)
        memcpy(order->event, event, STN_EVENT_KEY);
    order->ptime = ptime;
    order->on = hold != 0;
    stn_order_give(core, order, false);
}

void stn_allow(stn_core *core, const struct stn_address *address, int allowed)
{
    struct stn_order *order = stn_order_new(STN_ALLOW, 0);
    if (order == NULL)
        return;
    order->address = *address;
    order->on = allowed != 0;
    stn_order_give(core, order, false);
}

uint32_t stn_take_up(stn_core *core, int ring, uint8_t *out, uint32_t room)
{
    struct stn_up_ring *control = core->trunk == NULL ? NULL : &core->trunk->control;
    struct stn_up_ring *rings[] = {&core->contacts, &core->datagrams, &core->notices, control};
    return rings[ring] == NULL ? 0 : stn_up_take(rings[ring], out, room);
}

size_t stn_captured_size(stn_core *core) { return core->capture->used; }

size_t stn_take_captured(stn_core *core, uint8_t *out, size_t room)
{
    size_t used = core->capture->used;
    if (used == 0 || used > room)
        return 0;
    memcpy(out, core->capture->bytes, used);
    core->capture->used = 0;
    return used;
}

void stn_capture_refuse(stn_core *core, const struct stn_address *address)
{
    if (core->capture->refused_count < STN_CAPTURE_REFUSED)
        core->capture->refused[core->capture->refused_count++] = *address;
}

void stn_capture_fill_up(stn_core *core, uint32_t after) { core->capture->full_after = after; }

int stn_inject(stn_core *core, const uint8_t *data, size_t len, const struct stn_address *from,
               const struct stn_source *local, int64_t now_ns)
{
    stn_count(&core->counters.datagrams_received, 1);
    return stn_receive_datagram(core, data, len, from, local, now_ns);
}

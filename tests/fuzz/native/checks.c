/* The C unit checks: published vectors and the edges of every table, meant to run under the sanitizers. What Python
 * can say about the same functions is in tests/unit/net/native. Prints a line and exits 0, or says what is broken. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "stn_api.h"
#include "stn_control.h"
#include "stn_gate.h"
#include "stn_rtcp.h"
#include "stn_stun.h"

static bool memory_is_out;

void *__real_realloc(void *at, size_t size);
void *__wrap_realloc(void *at, size_t size); /* the linker has ours called (Makefile) */
void *__wrap_realloc(void *at, size_t size) { return memory_is_out ? NULL : __real_realloc(at, size); }

static size_t read_hex(const char *path, uint8_t *out, size_t room)
{
    FILE *file = fopen(path, "r");
    INVARIANT(file != NULL);
    char line[256];
    size_t size = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "#")] = '\0';
        for (const char *at = line; *at != '\0';) {
            unsigned byte;
            if (isspace((unsigned char)*at)) {
                at++;
                continue;
            }
            INVARIANT(size < room && sscanf(at, "%2x", &byte) == 1);
            out[size++] = (uint8_t)byte;
            at += 2;
        }
    }
    fclose(file);
    return size;
}

static void check_rfc5769(const char *path)
{
    static const char password[] = "VOkJxbRl1RmTxUk/WvJxBt";
    uint8_t data[256];
    struct stn_hmac_sha1 right, wrong;
    struct stn_stun message;
    size_t size = read_hex(path, data, sizeof data);
    stn_hmac_sha1_key(&right, (const uint8_t *)password, sizeof password - 1);
    stn_hmac_sha1_key(&wrong, (const uint8_t *)password, sizeof password - 2);
    INVARIANT(stn_stun_parse(data, size, &message) && message.has_fingerprint);
    INVARIANT(stn_stun_check_integrity(&message, &right) && !stn_stun_check_integrity(&message, &wrong));
    for (size_t i = 0; i < size; i++) { /* every byte counts */
        data[i] ^= 1;
        bool taken = stn_stun_parse(data, size, &message) && message.has_fingerprint;
        INVARIANT(!taken || !stn_stun_check_integrity(&message, &right));
        data[i] ^= 1;
    }
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *exact = malloc(cut);
        memcpy(exact, data, cut);
        INVARIANT(!stn_stun_parse(exact, cut, &message));
        free(exact);
    }
}

static void check_ice_edges(void)
{
    struct stn_ice ice;
    struct stn_source source = {{0}};
    struct stn_address address = {.port = 1}, gone;
    uint8_t transaction[12] = {0};
    bool evicted;
    stn_ice_init(&ice, 0);
    for (uint32_t i = 0; i < 20 * STN_ICE_SEEN_BITS; i++) {
        memcpy(transaction, &i, sizeof i);
        address.port = (uint16_t)(i % 9);
        stn_ice_verified(&ice, transaction, &address, &source, i, &evicted, &gone);
    }
    INVARIANT(ice.count == STN_ICE_PAIRS);
    INVARIANT(stn_ice_is_replay(&ice, (const uint8_t *)"anything new"));
    stn_ice_close(&ice);
    stn_ice_close(&ice);
}

static void check_gate_edges(void)
{
    static struct stn_gate gate;
    unsigned taken = 0;
    stn_gate_init(&gate, harness_secret, 0);
    for (uint32_t i = 0; i < 20000; i++) {
        struct stn_address from = {.port = (uint16_t)i};
        memcpy(from.ip, &i, sizeof i);
        taken += stn_gate_prefix(&gate, &from, INT64_MAX - 1) && stn_bucket_take(&gate.contacts, 5);
    }
    INVARIANT(taken == STN_GATE_BURST);
}

/* A thread with nothing to do starts and ends, and a core that was never started closes, with orders waiting. */
static void check_life(void)
{
    struct stn_config config = {.fd = -1, .capture = 1, .ring_bytes = 4096, .contact_budget = 1, .datagram_budget = 1};
    struct stn_listener listener = {.profile = 7, .maxptime = 20, .known = 1};
    struct stn_row_stats stats;
    char error[256];
    for (int start = 0; start < 2; start++) {
        stn_core *core = stn_open(&config, error, sizeof error);
        INVARIANT(core != NULL);
        INVARIANT(!start || stn_start(core) == 0);
        uint32_t row = stn_add_listener(core, &listener);
        INVARIANT(row != 0 && stn_row_stats(core, row, &stats) == 0);
        INVARIANT(stn_send_frame(core, listener.event, 1, 2, harness_secret, 32, 3, 4) == 0);
        stn_remove_listener(core, row);
        INVARIANT(stn_row_stats(core, row, &stats) == -1);
        INVARIANT(stn_add_listener(core, &listener) != 0);
        stn_close(core);
    }
}

/* Who could not be seated for want of memory is in no lane: whoever has the place after it gets one packet, too. */
static void check_seat_without_memory(void)
{
    enum { FULL = 256 }; /* rows for which there is room at first */
    struct stn_config config = {.fd = -1, .capture = 1, .ring_bytes = 4096, .max_late_ns = STN_SECOND};
    struct stn_listener listener = {.profile = 7, .maxptime = 20, .known = 1};
    static const uint8_t frame[] = {0xF8, 0xFF, 0xFE}; /* 20 ms of silence */
    char error[256];
    int64_t now = STN_SECOND;
    stn_core *core = stn_open(&config, error, sizeof error);
    INVARIANT(core != NULL);
    for (int row = 0; row < FULL; row++)
        INVARIANT(stn_add_listener(core, &listener) != 0);
    stn_step(core, now);
    uint32_t refused = stn_add_listener(core, &listener);
    memory_is_out = true;
    stn_step(core, now);
    memory_is_out = false;
    INVARIANT(core->counters.seats_refused == 1 && core->counters.rows == FULL);
    stn_remove_listener(core, refused);
    stn_step(core, now);
    INVARIANT(stn_add_listener(core, &listener) != 0);
    stn_step(core, now);
    uint64_t before = core->counters.packets_sent;
    INVARIANT(stn_send_frame(core, listener.event, 1, 960, frame, sizeof frame, 3, now) == 0);
    stn_step(core, now + STN_MS);
    INVARIANT(core->counters.packets_sent - before == FULL + 1);
    stn_close(core);
}

/* Frames from `first` to `last`, 20 ms of silence each, read in one turn; then how long the trunk may rest. */
static int64_t rest_after(stn_core *core, int first, int last, int64_t now)
{
    static const uint8_t event[STN_EVENT_KEY] = "event--1", frame[] = {0xF8, 0xFF, 0xFE};
    for (int at = first; at <= last; at++) {
        uint64_t sequence = (uint64_t)at;
        INVARIANT(stn_send_frame(core, event, sequence, sequence * 960, frame, sizeof frame, 3, now) == 0);
    }
    stn_step(core, now);
    int64_t until = stn_rest_until(core, now + STN_MS);
    return until == 0 ? 0 : until - now;
}

/* At 60 ms two of three frames may lie unread, and a late one makes none after it late. */
static void check_rest(void)
{
    const struct stn_config config = {.fd = -1, .capture = 1, .ring_bytes = 4096, .max_late_ns = STN_SECOND,
                                      .contact_budget = 9, .datagram_budget = 9, .has_trunk = 1, .trunk_fd = -1};
    struct stn_listener listener = {.profile = 7, .maxptime = 120, .known = 1, .event = "event--1"};
    char error[256];
    int64_t now = STN_SECOND;
    stn_core *core = stn_open(&config, error, sizeof error);
    INVARIANT(core != NULL && stn_rest_until(core, now) == 0);
    INVARIANT(stn_add_listener(core, &listener) != 0);
    stn_set_ptime(core, NULL, 20, 0);
    for (int at = 3; at < 9; at++) /* each frame is a packet */
        INVARIANT(rest_after(core, at, at, now += 20 * STN_MS) == 0);
    stn_set_ptime(core, NULL, 60, 0);
    INVARIANT(rest_after(core, 9, 9, now += 20 * STN_MS) == 0 && rest_after(core, 10, 10, now += 20 * STN_MS) == 0);
    INVARIANT(rest_after(core, 11, 11, now += 20 * STN_MS) == 58 * STN_MS);
    INVARIANT(rest_after(core, 12, 13, now += 58 * STN_MS) == 0); /* it is over: the third is waited for */
    INVARIANT(rest_after(core, 14, 14, now += 2 * STN_MS) == 58 * STN_MS);
    INVARIANT(rest_after(core, 15, 17, now += 58 * STN_MS) == 0); /* the third was there: how early nobody knows */
    INVARIANT(rest_after(core, 18, 19, now += 20 * STN_MS) == 0);
    INVARIANT(rest_after(core, 20, 20, now += STN_MS) == 58 * STN_MS);
    INVARIANT(rest_after(core, 21, 22, now += 58 * STN_MS) == 0);
    INVARIANT(rest_after(core, 24, 24, now += STN_MS) == 0); /* after a gap nobody knows what comes */
    memcpy(listener.event, "event--2", sizeof listener.event);
    INVARIANT(stn_add_listener(core, &listener) != 0);
    for (int at = 25; at < 40; at++) /* nobody knows when the other event's frames come */
        INVARIANT(rest_after(core, at, at, now += 20 * STN_MS) == 0);
    stn_close(core);
}

int main(void)
{
    harness_open();
    check_rfc5769("../../wire/stun/rfc5769_request.hex");
    check_rfc5769("../../wire/stun/rfc5769_response_ipv4.hex");
    check_rfc5769("../../wire/stun/rfc5769_response_ipv6.hex");
    check_ice_edges();
    check_gate_edges();
    check_life();
    check_seat_without_memory();
    check_rest();
    puts("native checks passed");
    return 0;
}

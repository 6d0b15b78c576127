/* The trunk in step mode: a node between two parents and its children. The input is a list of things that happen.
 * Invariants:
 *   - a RED payload is taken apart within its bounds, and one that we built comes apart as what was put in;
 *   - every datagram is either acted on or counted under one reason;
 *   - what a child is sent opens with its key, and its index only grows;
 *   - of a packet that is not authentic, damaged or replayed, nothing is given on;
 *   - silence is told of events that were heard, once for what came at most. */
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "stn_api.h"
#include "stn_bytes.h"
#include "stn_capture.h"
#include "stn_control.h"
#include "stn_trunk.h"

enum { UPLINKS = 4, CHILDREN = 4, EVENTS = 2, CAPTURES = 8 };

static const uint8_t events[EVENTS][STN_EVENT_KEY] = {"event--1", "event--2"};

struct parent {
    uint32_t handle;
    uint32_t ssrc;
    int event;
    uint64_t sequence; /* of the program */
    uint64_t base;
    bool begun;
    struct stn_srtp_sender rtp;
};

struct child {
    uint32_t handle;
    bool begun;
    uint64_t index; /* SRTP index of the packet before */
    stn_cipher *cipher;
    uint8_t salt[STN_SRTP_MAX_SALT];
};

struct captured {
    uint8_t data[STN_MAX_DATAGRAM];
    size_t size;
};

struct world {
    stn_core *core;
    int64_t now;
    uint32_t made; /* SSRCs and keys are never used twice */
    struct parent parents[UPLINKS];
    struct child children[CHILDREN];
    struct captured captures[CAPTURES];
    unsigned next_capture;
    uint64_t given, refused, silences;
};

static struct stn_address address_of(int number)
{
    struct stn_address address = {.port = (uint16_t)(1000 + number)};
    address.ip[10] = address.ip[11] = 0xff;
    return address;
}

static void key_of(uint32_t number, uint8_t key[16], uint8_t salt[12])
{
    memset(key, 7, 16);
    memset(salt, 9, 12);
    stn_put32(key, number);
}

/* -- what holds always ------------------------------------------------------------------------------------ */

static bool opens(const struct child *child, const uint8_t *data, stn_slice body, uint64_t index, uint8_t *plain)
{
    uint8_t iv[STN_GCM_IV];
    memcpy(iv, child->salt, sizeof iv);
    for (int i = 0; i < 4; i++)
        iv[2 + i] ^= data[8 + i];
    for (int i = 0; i < 6; i++)
        iv[6 + i] ^= (uint8_t)(index >> (40 - 8 * i));
    return stn_gcm_open(child->cipher, iv, (stn_slice){data, STN_RTP_HEADER}, (stn_slice){NULL, 0}, body, plain);
}

static void check_packet(struct child *child, const uint8_t *data, size_t size)
{
    uint8_t plain[STN_MAX_DATAGRAM];
    struct stn_trunk_block blocks[STN_TRUNK_BLOCKS];
    const stn_slice body = {data + STN_RTP_HEADER, size - STN_RTP_HEADER};
    uint64_t index = stn_get16(data + 2);
    if (child->begun)
        index |= child->index & ~UINT64_C(0xFFFF);
    if (child->begun && index <= child->index)
        index += 0x10000; /* it only grows */
    INVARIANT(data[0] == 0x80 && data[1] == STN_TRUNK_RED);
    for (int leap = 0; !opens(child, data, body, index, plain); leap++, index += 0x10000)
        INVARIANT(leap < 512 && child->begun); /* frames that were left out are no more than that */
    INVARIANT(stn_trunk_red_parse((stn_slice){plain, body.len - STN_GCM_TAG}, blocks) > 0);
    child->begun = true;
    child->index = index;
}

static void check(struct world *world)
{
    struct stn_capture *capture = world->core->capture;
    uint64_t dropped = 0;
    for (int i = 0; i < STN_DROP_COUNT; i++)
        dropped += world->core->counters.dropped[i];
    INVARIANT(dropped == world->refused && world->core->counters.trunk_datagrams == world->given);
    for (size_t at = 0; at < capture->used;) {
        struct stn_captured sent;
        memcpy(&sent, capture->bytes + at, sizeof sent);
        at += sizeof sent;
        INVARIANT(sent.to.port >= 1000 && sent.to.port < 1000 + CHILDREN);
        struct child *child = &world->children[sent.to.port - 1000];
        if (child->handle != 0) /* else it was sent in the turn that ended it */
            check_packet(child, capture->bytes + at, sent.len);
        at += sent.len;
    }
    capture->used = 0;
    for (const struct stn_program *program = world->core->trunk->programs; program != NULL; program = program->next)
        INVARIANT(program->uplinks <= UPLINKS && program->join.given.sequence >= 0);
}

/* -- what happens ----------------------------------------------------------------------------------------- */

static bool give(struct world *world, const uint8_t *data, size_t size)
{
    struct stn_address from = address_of(99);
    uint8_t *exact = malloc(size);
    if (size > 0)
        memcpy(exact, data, size);
    bool taken = stn_trunk_inject(world->core, exact, size, &from, world->now) == 0;
    free(exact);
    world->given++;
    world->refused += !taken;
    return taken;
}

static void end_uplink(struct world *world, struct parent *parent)
{
    stn_uplink_remove(world->core, parent->handle);
    stn_srtp_sender_close(&parent->rtp);
    memset(parent, 0, sizeof *parent);
}

static void add_uplink(struct world *world, struct parent *parent, struct input *input)
{
    uint8_t key[16], salt[12];
    end_uplink(world, parent);
    key_of(++world->made, key, salt);
    parent->ssrc = world->made * (STN_UPLINKS / 2); /* they share buckets */
    parent->event = take8(input) % EVENTS;
    parent->sequence = take16(input);
    parent->handle = stn_uplink_add(world->core, events[parent->event], parent->ssrc, key, salt, take8(input) % 4);
    INVARIANT(parent->handle != 0);
    INVARIANT(stn_uplink_add(world->core, events[0], parent->ssrc, key, salt, 9) == 0);
    INVARIANT(stn_srtp_sender_open(&parent->rtp, STN_PROFILE_GCM_128, key, salt));
}

static void end_child(struct world *world, struct child *child)
{
    stn_child_remove(world->core, child->handle);
    stn_cipher_free(child->cipher);
    memset(child, 0, sizeof *child);
}

static void add_child(struct world *world, struct child *child, struct input *input)
{
    uint8_t key[16], salt[12];
    struct stn_srtcp_keys keys;
    struct stn_address to = address_of((int)(child - world->children));
    end_child(world, child);
    stn_step(world->core, world->now);
    check(world); /* nothing of the former row comes after this */
    key_of(++world->made, key, salt);
    INVARIANT(stn_srtp_keys_derive(&keys, STN_PROFILE_GCM_128, key, salt));
    child->cipher = stn_cipher_new(STN_AES_128_GCM, keys.key);
    memcpy(child->salt, keys.salt, sizeof child->salt);
    child->handle = stn_child_add(world->core, events[take8(input) % EVENTS], &to, world->made, key, salt,
                                  take8(input) % 4);
    INVARIANT(child->handle != 0);
}

/* A packet of the parent's: well made, whatever it says. */
static void send_packet(struct world *world, struct parent *parent, struct input *input)
{
    struct captured *kept = &world->captures[world->next_capture++ % CAPTURES];
    size_t len;
    if (parent->handle == 0)
        return;
    parent->sequence += take8(input) % 64 + 1;
    if (!parent->begun)
        parent->base = parent->sequence & ~UINT64_C(0xFFFF);
    parent->begun = true;
    kept->data[0] = 0x80;
    kept->data[1] = STN_TRUNK_RED;
    stn_put16(kept->data + 2, (uint16_t)parent->sequence);
    stn_put32(kept->data + 4, (uint32_t)(parent->sequence * 960) + take16(input));
    stn_put32(kept->data + 8, parent->ssrc);
    uint8_t *payload = take_bytes(input, take8(input) * 2u, &len);
    if (len > 1 && payload[0] < 0x80)
        payload[0] = STN_TRUNK_FRAME, payload[1] &= 0xFC; /* its own frame alone, of one Opus frame */
    kept->size = stn_srtp_seal(&parent->rtp, kept->data, (stn_slice){payload, len}, parent->sequence - parent->base);
    free(payload);
    if (take8(input) % 8 != 0) /* else it is lost, or comes later */
        give(world, kept->data, kept->size);
}

static void repeat_packet(struct world *world, struct input *input, bool damaged)
{
    const struct captured *kept = &world->captures[take8(input) % CAPTURES];
    uint8_t data[STN_MAX_DATAGRAM];
    memcpy(data, kept->data, kept->size);
    if (damaged && kept->size > 0) {
        data[take16(input) % kept->size] ^= (uint8_t)(1 << take8(input) % 8);
        uint64_t before = world->core->counters.trunk_received;
        give(world, data, kept->size);
        INVARIANT(world->core->counters.trunk_received == before);
        return;
    }
    uint64_t before = world->core->counters.trunk_received;
    give(world, data, kept->size);
    uint64_t after = world->core->counters.trunk_received;
    give(world, data, kept->size);
    INVARIANT(after <= before + 1 && world->core->counters.trunk_received == after);
}

static void send_frame(struct world *world, struct input *input)
{
    size_t len;
    uint8_t *payload = take_bytes(input, take8(input) * 6u, &len);
    uint64_t sequence = take16(input);
    int event = take8(input) % EVENTS;
    INVARIANT(stn_send_frame(world->core, events[event], sequence, sequence * 960, payload, len, 1, world->now) == 0);
    free(payload);
}

static void send_raw(struct world *world, struct input *input)
{
    size_t len;
    uint8_t *data = take_bytes(input, take16(input) % 2100, &len);
    give(world, data, len);
    free(data);
}

/* Told of an event of ours, and no more often than something came that could stay away. */
static void check_silence(struct world *world, const uint8_t *event, uint32_t size)
{
    INVARIANT(size == STN_EVENT_KEY);
    INVARIANT(memcmp(event, events[0], size) == 0 || memcmp(event, events[1], size) == 0);
    INVARIANT(++world->silences <= world->core->counters.trunk_received);
}

static void take_control(struct world *world)
{
    static uint8_t room[1 << 14];
    uint32_t size = stn_take_up(world->core, STN_RING_TRUNK, room, sizeof room);
    for (uint32_t at = 0; at < size;) {
        struct stn_up_record record;
        memcpy(&record, room + at, sizeof record);
        at += (uint32_t)sizeof record + record.size;
        INVARIANT(at <= size && record.size > 0);
        if (record.kind == STN_UP_SILENCE)
            check_silence(world, room + at - record.size, record.size);
        else
            INVARIANT(record.kind == STN_UP_DATAGRAM && room[at - record.size] == STN_CONTROL_BYTE);
    }
}

static void happen(struct world *world, struct input *input)
{
    uint8_t what = take8(input), which = what >> 4;
    switch (what % 16 % 10) {
    case 0:
        add_uplink(world, &world->parents[which % UPLINKS], input);
        break;
    case 1:
        end_uplink(world, &world->parents[which % UPLINKS]);
        break;
    case 2:
        add_child(world, &world->children[which % CHILDREN], input);
        break;
    case 3:
        end_child(world, &world->children[which % CHILDREN]);
        break;
    case 4:
    case 5:
        send_packet(world, &world->parents[which % UPLINKS], input);
        break;
    case 6:
        repeat_packet(world, input, which & 1);
        break;
    case 7:
        send_frame(world, input);
        break;
    case 8:
        send_raw(world, input);
        break;
    default:
        world->now += take16(input) * STN_MS;
        take_control(world);
    }
    stn_step(world->core, world->now);
    check(world);
}

static void live(struct input *input)
{
    const struct stn_config config = {.fd = -1, .capture = 1, .max_late_ns = STN_SECOND, .ring_bytes = 1 << 13,
                                      .contact_budget = 9, .datagram_budget = 9, .has_trunk = 1, .trunk_fd = -1};
    struct world *world = calloc(1, sizeof *world);
    char error[256];
    world->core = stn_open(&config, error, sizeof error);
    INVARIANT(world->core != NULL);
    for (int step = 0; step < 200 && input->size > 0; step++)
        happen(world, input);
    for (int i = 0; i < UPLINKS; i++)
        stn_srtp_sender_close(&world->parents[i].rtp);
    for (int i = 0; i < CHILDREN; i++)
        stn_cipher_free(world->children[i].cipher);
    stn_close(world->core);
    free(world);
}

/* -- payloads --------------------------------------------------------------------------------------------- */

static void take_apart(struct input *input)
{
    struct stn_trunk_block blocks[STN_TRUNK_BLOCKS];
    size_t len, total = 0;
    uint8_t *bytes = take_bytes(input, input->size, &len);
    size_t count = stn_trunk_red_parse((stn_slice){bytes, len}, blocks);
    for (size_t i = 0; i < count; i++) {
        INVARIANT(blocks[i].payload.data >= bytes && blocks[i].payload.data + blocks[i].payload.len <= bytes + len);
        INVARIANT((blocks[i].distance == 0) == (i + 1 == count) && blocks[i].distance <= STN_TRUNK_FAR);
        total += blocks[i].payload.len + (i + 1 < count ? 4 : 1);
    }
    INVARIANT(count == 0 || total == len);
    free(bytes);
}

static void put_together(struct input *input)
{
    enum { KEPT = STN_TRUNK_DEPTH + 1 }; /* the packet's own frame, and the earlier ones it may carry */
    struct stn_trunk_past past = {0};
    uint8_t *frames[KEPT] = {0};
    size_t sizes[KEPT];
    uint64_t sequence = take32(input), timestamp = take32(input), sequences[KEPT], timestamps[KEPT];
    for (size_t step = 0; step < 8 && input->size > 0; step++) {
        struct stn_trunk_block blocks[STN_TRUNK_BLOCKS];
        size_t now = step % KEPT, count;
        sequence += (uint64_t)(take8(input) % 42 - 2); /* seldom back: by whatever numbered them so */
        timestamp += (uint64_t)(take16(input) % 21000 - 1000);
        free(frames[now]);
        frames[now] = take_bytes(input, take16(input) % 1300, &sizes[now]);
        sequences[now] = sequence;
        timestamps[now] = timestamp;
        const stn_slice payload = {frames[now], sizes[now]};
        uint8_t *red = malloc(payload.len + 1 > STN_RED_MAX_BYTES ? payload.len + 1 : STN_RED_MAX_BYTES);
        size_t len = stn_trunk_red_build(&past, take8(input) % 4, sequence, timestamp, payload, red);
        count = stn_trunk_red_parse((stn_slice){red, len}, blocks);
        INVARIANT(count >= 1 && count <= KEPT && (count == 1 || len <= STN_RED_MAX_BYTES));
        INVARIANT(blocks[count - 1].payload.len == payload.len);
        for (size_t i = 0; i < count; i++) {
            bool found = false;
            for (size_t k = 0; k <= step && k < KEPT; k++)
                found = found || (sequences[k] == sequence - blocks[i].distance &&
                                  timestamps[k] == timestamp - blocks[i].offset && sizes[k] == blocks[i].payload.len &&
                                  (sizes[k] == 0 || memcmp(frames[k], blocks[i].payload.data, sizes[k]) == 0));
            INVARIANT(found);
        }
        free(red);
        stn_trunk_red_push(&past, sequence, timestamp, payload);
    }
    for (int i = 0; i < KEPT; i++)
        free(frames[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    harness_open();
    uint8_t mode = take8(&input) % 4;
    if (mode == 0)
        take_apart(&input);
    else if (mode == 1)
        put_together(&input);
    else
        live(&input);
    return 0;
}

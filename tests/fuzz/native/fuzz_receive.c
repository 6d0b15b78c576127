/* The whole receive side in step mode: three listeners, addresses of Python's, strangers, time. The input is a list
 * of things that happen. Invariants, after each of them:
 *   - nobody is sent more bytes than came from there, media apart, and media goes to where a listener is;
 *   - media of a listener is only ever where it joined, or where a request came from that was made with its password
 *     and asked for it, and was not used before;
 *   - every datagram is either acted on or counted under one reason;
 *   - pairs, index and rows agree with each other. */
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "stn_api.h"
#include "stn_capture.h"
#include "stn_control.h"

enum { ROWS = 3, ADDRESSES = 8, CAPTURES = 8, SHARD = 7, KEY_ID = 1, INGEST = 8 };

struct client {
    struct stn_capsule capsule;
    uint8_t ufrag[STN_CAPSULE_CHARS];
    struct stn_hmac_sha1 password;
    uint32_t handle;
    uint32_t rtcp_index;
    bool may_be_at[ADDRESSES];
};

struct captured {
    uint8_t data[512];
    size_t size;
    int client;
    bool use_candidate;
    bool used;
};

struct world {
    stn_core *core;
    int64_t now;
    struct client clients[ROWS];
    struct captured captures[CAPTURES];
    unsigned next_capture;
    uint32_t transaction;
    uint64_t given, refused; /* datagrams */
    uint64_t from[ADDRESSES], to[ADDRESSES]; /* bytes */
    struct stn_srtp_shared ciphers;
    struct stn_srtcp_keys client_keys;
};

static const struct stn_source local = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1}};

static struct stn_address address_of(int number)
{
    struct stn_address address = {.port = (uint16_t)(1000 + number)};
    if (number % 2 == 0) {
        address.ip[10] = address.ip[11] = 0xff;
        address.ip[12] = 198;
    } else {
        address.ip[0] = 0x20;
    }
    address.ip[15] = (uint8_t)(number / 2);
    return address;
}

static int number_of(const struct stn_address *address)
{
    for (int i = 0; i < ADDRESSES; i++) {
        struct stn_address other = address_of(i);
        if (stn_same_address(address, &other))
            return i;
    }
    return -1;
}

/* -- what holds always ------------------------------------------------------------------------------------ */

static struct client *client_of(struct world *world, const struct stn_row *row)
{
    for (int i = 0; i < ROWS; i++)
        if (world->clients[i].handle == row->handle)
            return &world->clients[i];
    return NULL;
}

static void check_row(struct world *world, const struct stn_row *row)
{
    const struct stn_ice *ice = &row->ice;
    int used = 0, media = stn_ice_media_pair(ice);
    const struct client *client = client_of(world, row);
    INVARIANT(client != NULL && row->seated);
    for (int i = 0; i < STN_ICE_PAIRS; i++) {
        if (!ice->pairs[i].used)
            continue;
        used++;
        INVARIANT(stn_ice_find(ice, &ice->pairs[i].address) == i);
    }
    INVARIANT(used == ice->count && used > 0);
    INVARIANT(ice->nominated >= 0 && ice->pairs[ice->nominated].used);
    INVARIANT(ice->previous < 0 || ice->pairs[ice->previous].used);
    INVARIANT(ice->pinned >= 0 && ice->pairs[ice->pinned].used);
    INVARIANT(media >= 0 && stn_same_address(&ice->pairs[media].address, &row->target->to));
    INVARIANT(stn_row_of_session(world->core, row->session) == row);
    INVARIANT(client->may_be_at[number_of(&row->target->to)]);
}

static void check_sent(struct world *world)
{
    struct stn_capture *capture = world->core->capture;
    for (size_t at = 0; at < capture->used;) {
        struct stn_captured sent;
        memcpy(&sent, capture->bytes + at, sizeof sent);
        at += sizeof sent;
        int number = number_of(&sent.to);
        INVARIANT(number >= 0);
        if (sent.len > 0 && capture->bytes[at] <= 3) {
            INVARIANT(sent.len <= 76);
            world->to[number] += sent.len;
        } else {
            bool found = false;
            for (int i = 0; i < ROWS; i++)
                found = found || world->clients[i].may_be_at[number];
            INVARIANT(found);
        }
        at += sent.len;
    }
    capture->used = 0;
    for (int i = 0; i < ADDRESSES; i++)
        INVARIANT(world->to[i] <= world->from[i]);
}

static void check(struct world *world)
{
    uint64_t dropped = 0;
    for (int i = 0; i < STN_DROP_COUNT; i++)
        if (i != STN_DROP_RECEIVE_QUEUE)
            dropped += world->core->counters.dropped[i];
    INVARIANT(dropped == world->refused);
    INVARIANT(world->core->counters.datagrams_received == world->given);
    for (uint32_t i = 0; i < world->core->row_count; i++)
        check_row(world, world->core->rows[i]);
    for (int i = 0; i < ADDRESSES; i++) {
        struct stn_address address = address_of(i);
        struct stn_owner owner = stn_owner_of(world->core, &address);
        INVARIANT(owner.row == NULL || (owner.row->seated && stn_ice_find(&owner.row->ice, &address) >= 0));
    }
    check_sent(world);
}

/* -- what happens ----------------------------------------------------------------------------------------- */

static bool give(struct world *world, const uint8_t *data, size_t size, int number)
{
    struct stn_address from = address_of(number);
    uint8_t *exact = malloc(size);
    if (size > 0)
        memcpy(exact, data, size);
    bool taken = stn_inject(world->core, exact, size, &from, &local, world->now) == 0;
    free(exact);
    world->given++;
    world->refused += !taken;
    world->from[number] += size;
    stn_step(world->core, world->now);
    return taken;
}

static void name_client(struct world *world, struct client *client)
{
    struct stn_hmac_sha256 secret;
    uint8_t password[STN_ICE_PASSWORD];
    harness_seal_capsule(&client->capsule, (char *)client->ufrag);
    stn_hmac_sha256_key(&secret, harness_secret, sizeof harness_secret);
    stn_capsule_password((stn_slice){client->ufrag, sizeof client->ufrag}, &secret, password);
    stn_hmac_sha1_key(&client->password, password, sizeof password);
    (void)world;
}

static void seat(struct world *world, int number)
{
    struct client *client = &world->clients[number];
    struct stn_listener listener = {.profile = STN_PROFILE_GCM_128, .payload_type = 111, .red_type = 255,
                                    .maxptime = 120, .ssrc = 1, .first_sequence = 1, .known = 1, .pair_count = 1};
    client->capsule.session[0]++;
    client->capsule.session[1] = (uint8_t)number;
    client->capsule.shard = SHARD;
    client->capsule.key_id = KEY_ID;
    client->capsule.expires_at_ms = (uint64_t)(world->now / STN_MS) + 5000;
    client->rtcp_index = 0;
    memset(client->may_be_at, 0, sizeof client->may_be_at);
    client->may_be_at[number] = true;
    name_client(world, client);
    memcpy(listener.session, client->capsule.session, sizeof listener.session);
    memcpy(listener.ufrag, client->ufrag, sizeof listener.ufrag);
    listener.generation = client->capsule.generation;
    memcpy(listener.remote_key, harness_secret, 16);
    listener.to = address_of(number);
    listener.from = local;
    listener.consent_at = world->now;
    listener.pairs[0] = (struct stn_known_pair){.address = listener.to, .source = local, .heard_at = world->now,
                                                .proven = 1, .nominated = 1, .pinned = 1};
    client->handle = stn_add_listener(world->core, &listener);
    INVARIANT(client->handle != 0);
    stn_step(world->core, world->now);
}

static bool is_seated(const struct world *world, const struct client *client)
{
    const struct stn_row *row = stn_row_of_session(world->core, client->capsule.session);
    return row != NULL && row->handle == client->handle;
}

/* One that was never answered (it did not arrive, or was refused) is new wherever it comes from: that is why moves
 * must be confirmed. */
static void deliver(struct world *world, struct captured *capture, int at)
{
    uint64_t before = world->core->counters.bindings;
    if (capture->use_candidate && !capture->used)
        world->clients[capture->client].may_be_at[at] = true;
    give(world, capture->data, capture->size, at);
    capture->used = capture->used || world->core->counters.bindings != before;
}

/* A right request, delivered or only captured. */
static void binding(struct world *world, struct input *input)
{
    struct captured *capture = &world->captures[world->next_capture++ % CAPTURES];
    uint8_t settings = take8(input), at = take8(input) % ADDRESSES, transaction[12] = "fuzz";
    struct client *client = &world->clients[settings % ROWS];
    char username[STN_CAPSULE_CHARS + 2];
    memcpy(username, client->ufrag, STN_CAPSULE_CHARS);
    memcpy(username + STN_CAPSULE_CHARS, ":x", 2);
    memcpy(transaction + 4, &world->transaction, 4);
    world->transaction++;
    capture->client = settings % ROWS;
    capture->use_candidate = (settings & 0x40) != 0;
    capture->used = false;
    capture->size = harness_binding(capture->data, username, sizeof username, transaction, &client->password,
                                    capture->use_candidate);
    if ((settings & 0x80) == 0)
        deliver(world, capture, at);
}

static void replay(struct world *world, struct input *input)
{
    struct captured *capture = &world->captures[take8(input) % CAPTURES];
    uint8_t at = take8(input) % ADDRESSES;
    if (capture->size > 0)
        deliver(world, capture, at);
}

static void damaged(struct world *world, struct input *input)
{
    struct captured *capture = &world->captures[take8(input) % CAPTURES];
    uint8_t data[512], settings = take8(input), at = settings % ADDRESSES, flip = take8(input);
    size_t size = capture->size;
    if (size < 28 || flip == 0)
        return;
    memcpy(data, capture->data, size);
    data[take16(input) % (size - 8)] ^= flip;
    if (settings & 0x80)
        size = harness_finish_stun(data, size - 8, sizeof data);
    if (memcmp(data, capture->data, size) == 0) { /* repaired to what it was */
        deliver(world, capture, at);
        return;
    }
    uint64_t before = world->core->counters.bindings;
    give(world, data, size, at);
    INVARIANT(world->core->counters.bindings == before);
}

static void restart(struct world *world, struct input *input)
{
    uint8_t settings = take8(input), at = take8(input) % ADDRESSES, transaction[12] = "restart";
    struct client *client = &world->clients[settings % ROWS], next = *client;
    char username[STN_CAPSULE_CHARS];
    uint8_t data[512];
    next.capsule.generation = (uint8_t)(next.capsule.generation + (settings >> 4 & 1));
    next.capsule.kind = settings >> 5 & 1;
    next.capsule.expires_at_ms = (uint64_t)(world->now / STN_MS) + (settings & 0x40 ? 5000 : 0);
    name_client(world, &next);
    memcpy(username, next.ufrag, sizeof username);
    memcpy(transaction + 8, &world->transaction, 4);
    world->transaction++;
    uint64_t before = world->core->counters.bindings, lost = world->core->counters.consent_lost;
    give(world, data, harness_binding(data, username, sizeof username, transaction, &next.password, false), at);
    if (world->core->counters.bindings == before)
        return;
    if (world->core->counters.consent_lost != lost) /* it had run out, and a check from this address does not renew it */
        return;
    INVARIANT(is_seated(world, client));
    INVARIANT(next.capsule.kind == client->capsule.kind && next.capsule.generation >= client->capsule.generation);
    *client = next;
}

static void rtcp(struct world *world, struct input *input)
{
    uint8_t settings = take8(input), at = take8(input) % ADDRESSES, flip = take8(input), where = take8(input);
    struct client *client = &world->clients[settings % ROWS];
    uint8_t plain[600] = {0x81, 201, 0, 7, 0, 0, 0, 1, 0, 0, 0, 1, 90}, sealed[640]; /* of our stream: a third lost */
    size_t size = 32;
    if (settings & 0x40) {
        uint8_t *body = take_bytes(input, 500, &size);
        memcpy(plain + 4, body, size);
        size += 4;
        free(body);
    }
    if (size < 8)
        return;
    size = stn_srtcp_seal(&world->ciphers, &world->client_keys, (stn_slice){plain, size}, client->rtcp_index++, sealed);
    sealed[where % size] ^= flip;
    uint64_t before = world->core->counters.rtcp;
    give(world, sealed, size, at);
    INVARIANT(flip == 0 || world->core->counters.rtcp == before);
}

static void raw(struct world *world, struct input *input)
{
    size_t size, wanted = take16(input) % 2100;
    uint8_t at = take8(input) % ADDRESSES, *data = take_bytes(input, wanted, &size);
    give(world, data, size, at);
    free(data);
}

static void first_contact(struct world *world, struct input *input)
{
    uint8_t settings = take8(input), at = take8(input) % ADDRESSES, transaction[12] = "contact";
    struct client stranger = {.capsule = {.shard = settings & 0x40 ? INGEST : SHARD, .key_id = KEY_ID}};
    uint8_t data[512];
    stranger.capsule.session[7] = 1 + settings % 8;
    stranger.capsule.expires_at_ms = (uint64_t)(world->now / STN_MS) + (settings & 0x80 ? 0 : 5000);
    name_client(world, &stranger);
    size_t size = harness_binding(data, (char *)stranger.ufrag, sizeof stranger.ufrag, transaction,
                                  &stranger.password, true);
    give(world, data, size, at);
}

static void pass_time(struct world *world, struct input *input)
{
    int64_t until = world->now + take16(input) % 4000 * 10 * STN_MS;
    for (int turns = 0; world->now < until && turns < 200; turns++) {
        int64_t step = until - world->now < 20 * STN_MS ? 20 * STN_MS : (until - world->now) / 4 + 20 * STN_MS;
        world->now += step < 500 * STN_MS ? step : 500 * STN_MS;
        stn_step(world->core, world->now);
    }
}

static void order(struct world *world, struct input *input)
{
    uint8_t what = take8(input), number = take8(input), taken[4096];
    struct stn_address address = address_of(number % ADDRESSES);
    switch (what % 5) {
    case 0:
        stn_allow(world->core, &address, what & 0x80);
        break;
    case 1:
        for (int ring = 0; ring < 3; ring++)
            INVARIANT(stn_take_up(world->core, ring, taken, sizeof taken) <= sizeof taken);
        break;
    case 2:
        stn_remove_listener(world->core, world->clients[number % ROWS].handle);
        stn_step(world->core, world->now);
        if (world->clients[number % ROWS].capsule.session[0] < 255)
            seat(world, number % ROWS);
        break;
    case 3:
        stn_receive_overflow(world->core, 1, world->now);
        break;
    case 4:
        stn_send_frame(world->core, world->clients[0].capsule.event, world->transaction++, (uint64_t)world->now / 20833,
                       harness_secret, number % 32, 1, world->now);
        break;
    }
    stn_step(world->core, world->now);
}

static void begin(struct world *world)
{
    struct stn_config config = {.shard = SHARD, .key_id = KEY_ID, .local_shards = {INGEST}, .local_shard_count = 1,
                                .fd = -1, .ipv6 = 1, .capture = 1, .max_late_ns = STN_SECOND, .ring_bytes = 1 << 13,
                                .contact_budget = 8, .datagram_budget = 8};
    char error[256];
    harness_open();
    memset(world, 0, sizeof *world);
    memcpy(config.secret, harness_secret, sizeof config.secret);
    world->core = stn_open(&config, error, sizeof error);
    INVARIANT(world->core != NULL);
    INVARIANT(stn_srtp_shared_open(&world->ciphers));
    INVARIANT(stn_srtcp_keys_derive(&world->client_keys, STN_PROFILE_GCM_128, harness_secret, (uint8_t[14]){0}));
    world->now = STN_SECOND;
    world->transaction = 1;
    for (int i = 0; i < ROWS; i++)
        seat(world, i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const things[])(struct world *, struct input *) = {
        binding, binding, replay, damaged, restart, rtcp, raw, first_contact, pass_time, order};
    static struct world world;
    struct input input = {data, size};
    begin(&world);
    for (int steps = 0; input.size > 0 && steps < 300; steps++) {
        things[take8(&input) % (sizeof things / sizeof things[0])](&world, &input);
        check(&world);
    }
    stn_close(world.core);
    stn_srtp_shared_close(&world.ciphers);
    return 0;
}

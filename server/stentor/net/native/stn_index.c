#include "stn_index.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { FIRST_BUCKETS = 1024 };

struct node {
    struct node *next;
    struct stn_address address;
    struct stn_row *row;
    bool python;
};

struct stn_index {
    uint64_t seed;
    uint32_t buckets; /* a power of two, of both tables */
    uint32_t addresses;
    uint32_t sessions;
    struct node **by_address;
    struct stn_row **by_session;
};

static uint64_t mix(uint64_t value)
{
    value ^= value >> 32; /* MurmurHash3's finaliser: every bit of the input reaches every bit of the output */
    value *= UINT64_C(0xff51afd7ed558ccd);
    value ^= value >> 33;
    value *= UINT64_C(0xc4ceb9fe1a85ec53);
    return value ^ value >> 33;
}

static uint32_t hash(const struct stn_index *index, const void *bytes, size_t size)
{
    uint64_t state = index->seed, word;
    for (size_t at = 0; at + sizeof word <= size; at += sizeof word) {
        memcpy(&word, (const uint8_t *)bytes + at, sizeof word);
        state = mix(state ^ word) + index->seed;
    }
    return (uint32_t)state & (index->buckets - 1);
}

struct stn_index *stn_index_new(void)
{
    struct stn_index *index = calloc(1, sizeof *index);
    if (index == NULL)
        return NULL;
    index->buckets = FIRST_BUCKETS;
    index->by_address = calloc(index->buckets, sizeof(struct node *));
    index->by_session = calloc(index->buckets, sizeof(struct stn_row *));
    if (index->by_address == NULL || index->by_session == NULL ||
        getrandom(&index->seed, sizeof index->seed, 0) != (ssize_t)sizeof index->seed) {
        stn_index_free(index);
        return NULL;
    }
    return index;
}

void stn_index_free(struct stn_index *index)
{
    if (index == NULL)
        return;
    for (uint32_t i = 0; index->by_address != NULL && i < index->buckets; i++) {
        for (struct node *node = index->by_address[i], *next; node != NULL; node = next) {
            next = node->next;
            free(node);
        }
    }
    free(index->by_address);
    free(index->by_session);
    free(index);
}

static void move_nodes(struct stn_index *index, struct node **from, uint32_t buckets)
{
    for (uint32_t i = 0; i < buckets; i++) {
        for (struct node *node = from[i], *next; node != NULL; node = next) {
            next = node->next;
            struct node **bucket = &index->by_address[hash(index, &node->address, sizeof node->address)];
            node->next = *bucket;
            *bucket = node;
        }
    }
}

static void move_rows(struct stn_index *index, struct stn_row **from, uint32_t buckets)
{
    for (uint32_t i = 0; i < buckets; i++) {
        for (struct stn_row *row = from[i], *next; row != NULL; row = next) {
            next = row->next_of_session;
            struct stn_row **bucket = &index->by_session[hash(index, row->session, sizeof row->session)];
            row->next_of_session = *bucket;
            *bucket = row;
        }
    }
}

/* Twice the buckets once a chain is one long on average. Without memory the chains just grow longer. */
static void grow(struct stn_index *index)
{
    uint32_t before = index->buckets;
    if (index->addresses < before && index->sessions < before)
        return;
    struct node **by_address = calloc(2 * (size_t)before, sizeof *by_address);
    struct stn_row **by_session = calloc(2 * (size_t)before, sizeof *by_session);
    if (by_address == NULL || by_session == NULL) {
        free(by_address);
        free(by_session);
        return;
    }
    struct node **old_addresses = index->by_address;
    struct stn_row **old_sessions = index->by_session;
    index->by_address = by_address;
    index->by_session = by_session;
    index->buckets = 2 * before;
    move_nodes(index, old_addresses, before);
    move_rows(index, old_sessions, before);
    free(old_addresses);
    free(old_sessions);
}

static struct node **find(const struct stn_index *index, const struct stn_address *address)
{
    struct node **at = &index->by_address[hash(index, address, sizeof *address)];
    while (*at != NULL && !stn_same_address(&(*at)->address, address))
        at = &(*at)->next;
    return at;
}

static struct node *find_or_add(struct stn_index *index, const struct stn_address *address)
{
    struct node **at = find(index, address);
    if (*at != NULL)
        return *at;
    grow(index);
    struct node *node = calloc(1, sizeof *node);
    if (node == NULL)
        return NULL;
    node->address = *address;
    struct node **bucket = &index->by_address[hash(index, address, sizeof *address)];
    node->next = *bucket;
    *bucket = node;
    index->addresses++;
    return node;
}

static void drop_if_unused(struct stn_index *index, struct node **at)
{
    struct node *node = *at;
    if (node->row != NULL || node->python)
        return;
    *at = node->next;
    free(node);
    index->addresses--;
}

struct stn_owner stn_owner_of(const stn_core *core, const struct stn_address *address)
{
    const struct node *node = *find(core->index, address);
    return node == NULL ? (struct stn_owner){NULL, false} : (struct stn_owner){node->row, node->python};
}

bool stn_claim(stn_core *core, const struct stn_address *address, struct stn_row *row)
{
    struct node *node = find_or_add(core->index, address);
    if (node == NULL)
        return false;
    node->row = row;
    return true;
}

void stn_release(stn_core *core, const struct stn_address *address, const struct stn_row *row)
{
    struct node **at = find(core->index, address);
    if (*at == NULL || (*at)->row != row)
        return;
    (*at)->row = NULL;
    drop_if_unused(core->index, at);
}

bool stn_index_allow(struct stn_index *index, const struct stn_address *address, bool allowed)
{
    if (allowed) {
        struct node *node = find_or_add(index, address);
        if (node != NULL)
            node->python = true;
        return node != NULL;
    }
    struct node **at = find(index, address);
    if (*at != NULL) {
        (*at)->python = false;
        drop_if_unused(index, at);
    }
    return true;
}

struct stn_row *stn_row_of_session(const stn_core *core, const uint8_t session[STN_SESSION])
{
    struct stn_row *row = core->index->by_session[hash(core->index, session, STN_SESSION)];
    while (row != NULL && memcmp(row->session, session, STN_SESSION) != 0)
        row = row->next_of_session;
    return row;
}

void stn_index_add_session(struct stn_index *index, struct stn_row *row)
{
    grow(index);
    struct stn_row **bucket = &index->by_session[hash(index, row->session, STN_SESSION)];
    row->next_of_session = *bucket;
    *bucket = row;
    index->sessions++;
}

void stn_index_remove_session(struct stn_index *index, struct stn_row *row)
{
    struct stn_row **at = &index->by_session[hash(index, row->session, STN_SESSION)];
    while (*at != NULL && *at != row)
        at = &(*at)->next_of_session;
    if (*at == NULL)
        return;
    *at = row->next_of_session;
    index->sessions--;
}

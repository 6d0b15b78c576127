/* Verified pairs, nomination and consent of one session. Line by line core/webrtc/ice_lite.py. */
#include "stn_ice.h"

#include <stdlib.h>
#include <string.h>

#include "stn_text.h"

void stn_ice_init(struct stn_ice *ice, int64_t now)
{
    memset(ice, 0, sizeof *ice);
    ice->nominated = ice->pinned = ice->previous = -1;
    ice->move_deadline = STN_NEVER;
    ice->banned_until = INT64_MIN;
    ice->consent_at = now; /* the clock starts with the session */
}

void stn_ice_close(struct stn_ice *ice)
{
    if (ice->before != NULL)
        explicit_bzero(ice->before, sizeof *ice->before); /* it holds a key */
    free(ice->before);
    ice->before = NULL;
}

/* -- credentials and transactions ------------------------------------------------------------------------- */

void stn_ice_adopt(struct stn_ice *ice, const struct stn_login *login)
{
    if (ice->login.used && ice->before == NULL)
        ice->before = malloc(sizeof *ice->before); /* without memory they are good no longer */
    if (ice->login.used && ice->before != NULL)
        *ice->before = ice->login;
    ice->login = *login;
}

static uint32_t bit_of(const uint8_t transaction[STN_ICE_TRANSACTION])
{
    return stn_crc32(transaction, STN_ICE_TRANSACTION) % STN_ICE_SEEN_BITS;
}

bool stn_ice_is_replay(const struct stn_ice *ice, const uint8_t *transaction)
{
    uint32_t bit = bit_of(transaction);
    return ice->seen[bit / 8] >> (bit % 8) & 1;
}

static void remember(struct stn_ice *ice, const uint8_t *transaction)
{
    uint32_t bit = bit_of(transaction);
    ice->seen[bit / 8] |= (uint8_t)(1 << (bit % 8));
}

/* -- pairs ------------------------------------------------------------------------------------------------ */

int stn_ice_find(const struct stn_ice *ice, const struct stn_address *address)
{
    for (int i = 0; i < STN_ICE_PAIRS; i++)
        if (ice->pairs[i].used && stn_same_address(&ice->pairs[i].address, address))
            return i;
    return -1;
}

/* The pair to let go: unproven ones first, then the one not heard for longest, then the oldest. */
static int weakest(const struct stn_ice *ice)
{
    int found = -1;
    for (int at = 0; at < ice->count; at++) {
        int i = ice->order[at];
        const struct stn_pair *pair = &ice->pairs[i];
        if (i == ice->nominated || i == ice->pinned || i == ice->previous)
            continue;
        if (found < 0 || (!pair->proven && ice->pairs[found].proven) ||
            (pair->proven == ice->pairs[found].proven && pair->heard_at < ice->pairs[found].heard_at))
            found = i;
    }
    return found;
}

static void forget(struct stn_ice *ice, int pair)
{
    int kept = 0;
    for (int at = 0; at < ice->count; at++)
        if (ice->order[at] != pair)
            ice->order[kept++] = ice->order[at];
    ice->count = (uint8_t)kept;
    ice->pairs[pair].used = false;
}

static int enter(struct stn_ice *ice, const struct stn_address *address)
{
    int at = 0;
    while (ice->pairs[at].used)
        at++;
    memset(&ice->pairs[at], 0, sizeof ice->pairs[at]);
    ice->pairs[at].address = *address;
    ice->pairs[at].used = true;
    ice->order[ice->count++] = (uint8_t)at;
    return at;
}

int stn_ice_know(struct stn_ice *ice, const struct stn_address *address, const struct stn_source *source, bool proven,
                 int64_t now)
{
    int at = stn_ice_find(ice, address);
    if (at < 0 && ice->count == STN_ICE_PAIRS)
        return -1;
    if (at < 0)
        at = enter(ice, address);
    ice->pairs[at].source = *source;
    ice->pairs[at].proven = proven;
    ice->pairs[at].heard_at = now;
    return at;
}

int stn_ice_verified(struct stn_ice *ice, const uint8_t *transaction, const struct stn_address *address,
                     const struct stn_source *source, int64_t now, bool *evicted, struct stn_address *gone)
{
    int pair = stn_ice_find(ice, address);
    *evicted = false;
    if (stn_ice_is_replay(ice, transaction))
        return pair;
    remember(ice, transaction);
    if (pair < 0 && ice->count == STN_ICE_PAIRS) {
        int least = weakest(ice); /* there are four pairs, and at most three of them must stay */
        *gone = ice->pairs[least].address;
        *evicted = true;
        forget(ice, least);
    }
    if (pair < 0)
        pair = enter(ice, address);
    ice->pairs[pair].source = *source;
    ice->pairs[pair].heard_at = now;
    if (ice->nominated < 0 || ice->nominated == pair)
        ice->consent_at = now;
    return pair;
}

bool stn_pair_is_fresh(const struct stn_pair *pair, int64_t now) { return now - pair->heard_at < STN_ICE_FRESH; }

/* -- nomination ------------------------------------------------------------------------------------------- */

/* A move nobody confirmed is over: it may have been spoofed, so no other is tried for a while. */
static void abandon_move(struct stn_ice *ice, int64_t now)
{
    if (ice->previous < 0)
        return;
    ice->previous = -1;
    ice->move_deadline = STN_NEVER;
    ice->banned_until = now + STN_ICE_MOVE_BAN;
}

bool stn_ice_nominate(struct stn_ice *ice, int pair, bool connected, int64_t now)
{
    if (pair == ice->nominated)
        return false;
    if (connected && ice->nominated >= 0) {
        if (ice->pairs[pair].proven) {
            abandon_move(ice, now);
        } else if (now < ice->banned_until) {
            return false;
        } else {
            if (ice->previous < 0)
                ice->previous = ice->nominated;
            ice->move_deadline = now + STN_ICE_MOVE_CONFIRMATION;
        }
    }
    ice->nominated = (int8_t)pair;
    ice->consent_at = now;
    return true;
}

int stn_ice_media_pair(const struct stn_ice *ice)
{
    int nominated = ice->nominated;
    if (nominated >= 0 && (ice->pairs[nominated].proven || ice->previous >= 0 || ice->pinned < 0))
        return nominated;
    return ice->pinned;
}

void stn_ice_authenticated(struct stn_ice *ice, const struct stn_address *address, int64_t now)
{
    int pair = stn_ice_find(ice, address);
    if (pair < 0)
        return;
    ice->pairs[pair].proven = true;
    ice->pairs[pair].heard_at = now;
    if (pair == ice->nominated) {
        ice->previous = -1;
        ice->move_deadline = STN_NEVER;
    }
    if (pair == stn_ice_media_pair(ice))
        ice->consent_at = now; /* as authentic as a check, and never a replay */
}

int stn_ice_settle(struct stn_ice *ice, int64_t now)
{
    if (ice->previous < 0 || now < ice->move_deadline)
        return -1;
    ice->nominated = ice->previous;
    abandon_move(ice, now);
    return ice->nominated;
}

/* -- consent ---------------------------------------------------------------------------------------------- */

void stn_ice_hold_consent(struct stn_ice *ice, int64_t until)
{
    if (until - STN_ICE_CONSENT_TIMEOUT > ice->consent_at)
        ice->consent_at = until - STN_ICE_CONSENT_TIMEOUT;
}

int64_t stn_ice_consent_deadline(const struct stn_ice *ice)
{
    return ice->consent_at + STN_ICE_CONSENT_TIMEOUT;
}

int64_t stn_ice_next_timeout(const struct stn_ice *ice)
{
    int64_t consent = stn_ice_consent_deadline(ice);
    return ice->move_deadline < consent ? ice->move_deadline : consent;
}

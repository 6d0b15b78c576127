/* Connectivity checks: those of listeners are answered here, first contacts go up once they are verified.
 *
 * The rules are those of core/webrtc/peer_table.py (_receive_stun and what it calls). Nothing is remembered of a
 * datagram before its MESSAGE-INTEGRITY has been checked. An answer (76 bytes at most) is always smaller than a
 * request that carries a capsule (156 at least), so no answer amplifies.
 */
#include <string.h>

#include "stn_capsule.h"
#include "stn_receive.h"
#include "stn_stun.h"

static enum stn_drop drop_of(enum stn_capsule_verdict verdict)
{
    switch (verdict) {
    case STN_CAPSULE_VERSION_UNKNOWN:
        return STN_DROP_CAPSULE_VERSION;
    case STN_CAPSULE_KEY:
        return STN_DROP_CAPSULE_KEY;
    case STN_CAPSULE_MAC:
        return STN_DROP_CAPSULE_MAC;
    default:
        return STN_DROP_CAPSULE_FORMAT;
    }
}

static void make_login(const stn_core *core, stn_slice ufrag, const struct stn_capsule *capsule,
                       struct stn_login *login)
{
    uint8_t password[STN_ICE_PASSWORD];
    stn_capsule_password(ufrag, &core->receive->secret, password);
    stn_hmac_sha1_key(&login->password, password, sizeof password);
    memcpy(login->ufrag, ufrag.data, STN_CAPSULE_CHARS); /* a verified capsule has just that length */
    login->generation = capsule->generation;
    login->used = true;
}

void stn_receive_login(const stn_core *core, const uint8_t ufrag[STN_CAPSULE_CHARS], struct stn_login *login)
{
    const stn_slice text = {ufrag, STN_CAPSULE_CHARS};
    struct stn_capsule capsule;
    if (stn_capsule_open(text, &core->receive->secret, core->key_id, &capsule) == STN_CAPSULE_OK)
        make_login(core, text, &capsule, login);
}

/* Whether it is for whom the row was made: an ICE restart cannot change that. */
static bool same_identity(const struct stn_login *login, const struct stn_capsule *capsule)
{
    uint8_t before[STN_CAPSULE_IDENTITY], after[STN_CAPSULE_IDENTITY];
    struct stn_capsule known;
    if (stn_capsule_peek((stn_slice){login->ufrag, sizeof login->ufrag}, &known) != STN_CAPSULE_OK)
        return false;
    stn_capsule_identity(&known, before);
    stn_capsule_identity(capsule, after);
    return memcmp(before, after, sizeof before) == 0;
}

/* Why a verified capsule of the row's session that it does not know yet is not taken: it has to be that of a later
 * ICE generation, or, if Python did not say which it joined with, of that one. STN_DROP_COUNT when it is taken. */
static enum stn_drop refusal(const struct stn_row *row, const struct stn_capsule *capsule, int64_t now)
{
    const struct stn_login *newest = &row->ice.login;
    if (!newest->used && capsule->generation == row->generation)
        return STN_DROP_COUNT; /* it may have expired since */
    if (stn_capsule_expired(capsule, now))
        return STN_DROP_CAPSULE_EXPIRED;
    if (newest->used && !same_identity(newest, capsule))
        return STN_DROP_OTHER_RESTART;
    return capsule->generation > row->generation ? STN_DROP_COUNT : STN_DROP_OLD_GENERATION;
}

static bool new_login(const stn_core *core, const struct stn_row *row, const struct stn_stun *message, int64_t now,
                      struct stn_login *login, enum stn_drop *why)
{
    stn_slice ufrag = stn_stun_ufrag(message);
    struct stn_capsule capsule;
    enum stn_capsule_verdict verdict = stn_capsule_open(ufrag, &core->receive->secret, core->key_id, &capsule);
    *why = drop_of(verdict);
    if (verdict != STN_CAPSULE_OK)
        return false;
    make_login(core, ufrag, &capsule, login);
    *why = STN_DROP_INTEGRITY;
    if (!stn_stun_check_integrity(message, &login->password))
        return false;
    *why = refusal(row, &capsule, now);
    return *why == STN_DROP_COUNT;
}

/* The credentials the request was made with, verified: of the row, or in `fresh` when they are new to it. NULL with
 * the reason when there are none. */
static const struct stn_login *login_of(const stn_core *core, const struct stn_row *row,
                                        const struct stn_stun *message, int64_t now, struct stn_login *fresh,
                                        enum stn_drop *why)
{
    stn_slice ufrag = stn_stun_ufrag(message);
    *why = STN_DROP_INTEGRITY;
    const struct stn_login *const logins[] = {&row->ice.login, row->ice.before};
    for (int i = 0; i < 2; i++) {
        const struct stn_login *login = logins[i];
        if (login != NULL && login->used && memcmp(login->ufrag, ufrag.data, STN_CAPSULE_CHARS) == 0)
            return stn_stun_check_integrity(message, &login->password) ? login : NULL;
    }
    return new_login(core, row, message, now, fresh, why) ? fresh : NULL;
}

/* Remember credentials that were used for the first time. */
static const struct stn_login *adopt(struct stn_row *row, const struct stn_login *fresh)
{
    stn_ice_adopt(&row->ice, fresh);
    row->generation = fresh->generation;
    return &row->ice.login;
}

/* Whether anybody but `row` (NULL: a session that is not seated) was just heard at the address. It is never taken
 * from such an owner, unless that one never proved that it is there and the row did. Python's tables answer for
 * what they own. */
bool stn_may_use(const stn_core *core, const struct stn_address *address, const struct stn_row *row, int64_t now)
{
    struct stn_owner owner = stn_owner_of(core, address);
    if (owner.row == row)
        return true;
    if (owner.row == NULL)
        return !owner.python;
    int theirs = stn_ice_find(&owner.row->ice, address);
    int mine = row != NULL ? stn_ice_find(&row->ice, address) : -1;
    if (theirs < 0)
        return true;
    const struct stn_pair *pair = &owner.row->ice.pairs[theirs];
    if (mine >= 0 && row->ice.pairs[mine].proven && !pair->proven)
        return true;
    return !stn_pair_is_fresh(pair, now);
}

/* A verified request of a seated listener: answer it, note its address, and move media when it nominates. */
static int answer_row(stn_core *core, struct stn_row *row, const struct stn_login *login,
                      const struct stn_stun *message, const struct stn_datagram *datagram)
{
    uint8_t answer[STN_STUN_MAX_ANSWER];
    struct stn_address gone;
    bool evicted;
    size_t size = stn_stun_success(answer, message->transaction, datagram->from, &login->password);
    bool replay = stn_ice_is_replay(&row->ice, message->transaction);
    int at = stn_ice_verified(&row->ice, message->transaction, datagram->from, datagram->local, datagram->now,
                              &evicted, &gone);
    const struct stn_source *source = at >= 0 ? &row->ice.pairs[at].source : datagram->local;
    if (!stn_reply(core, answer, size, datagram->from, source))
        stn_drop(core, STN_DROP_ANSWER);
    if (at < 0) /* a captured request from elsewhere changes nothing */
        return stn_drop(core, STN_DROP_REPLAYED_BINDING);
    stn_count(&core->counters.bindings, 1);
    stn_claim(core, datagram->from, row); /* without memory the pair is merely not heard again */
    if (evicted)
        stn_release(core, &gone, row);
    if (message->use_candidate && !replay)
        stn_ice_nominate(&row->ice, at, true, datagram->now);
    stn_tell_move(core, row);
    stn_check_consent(core, row, datagram->now); /* a request that was seen before does not renew it */
    return 0;
}

/* A capsule of nobody seated here: verify all that can be, then ask the limits, then Python. */
static int first_contact(stn_core *core, const struct stn_stun *message, const struct stn_datagram *datagram)
{
    stn_slice ufrag = stn_stun_ufrag(message);
    struct stn_gate *gate = &core->receive->gate;
    struct stn_capsule capsule;
    struct stn_login login;
    enum stn_capsule_verdict verdict = stn_capsule_open(ufrag, &core->receive->secret, core->key_id, &capsule);
    if (verdict != STN_CAPSULE_OK)
        return stn_drop(core, drop_of(verdict));
    /* What Python knows already may outlive its capsule, and was counted when it was new. */
    bool known = stn_owner_of(core, datagram->from).python;
    make_login(core, ufrag, &capsule, &login);
    if (!stn_stun_check_integrity(message, &login.password))
        return stn_drop(core, STN_DROP_INTEGRITY);
    if (!known && stn_capsule_expired(&capsule, datagram->now))
        return stn_drop(core, STN_DROP_CAPSULE_EXPIRED);
    if (!stn_may_use(core, datagram->from, NULL, datagram->now))
        return stn_drop(core, STN_DROP_ADDRESS_OF_ANOTHER);
    if (!stn_up_has_room(&core->contacts, (uint32_t)datagram->len)) /* before it counts as one of the session's few */
        return stn_drop(core, STN_DROP_RING_FULL);
    if (!stn_sketch_take(&gate->sketch, STN_GATE_SESSION, capsule.session, sizeof capsule.session,
                         known ? STN_GATE_PER_SESSION : STN_GATE_PER_NEW, datagram->now))
        return stn_drop(core, STN_DROP_CONTACT_SESSION);
    if (!known && !stn_gate_prefix(gate, datagram->from, datagram->now))
        return stn_drop(core, STN_DROP_CONTACT_PREFIX);
    if (!known && !stn_bucket_take(&gate->contacts, datagram->now))
        return stn_drop(core, STN_DROP_CONTACT_RATE);
    if (stn_give_up(core, &core->contacts, STN_UP_CONTACT, NULL, datagram) != 0)
        return -1;
    stn_count(&core->counters.contacts, 1);
    return 0;
}

/* A request for another table of this process, whose secret only Python has. */
static int stranger(stn_core *core, uint32_t shard, const struct stn_datagram *datagram)
{
    struct stn_gate *gate = &core->receive->gate;
    for (uint32_t i = 0; i < core->local_shard_count; i++) {
        if (core->local_shards[i] != shard)
            continue;
        if (!stn_may_use(core, datagram->from, NULL, datagram->now))
            return stn_drop(core, STN_DROP_ADDRESS_OF_ANOTHER);
        if (!stn_owner_of(core, datagram->from).python) {
            if (!stn_gate_prefix(gate, datagram->from, datagram->now))
                return stn_drop(core, STN_DROP_CONTACT_PREFIX);
            if (!stn_bucket_take(&gate->strangers, datagram->now))
                return stn_drop(core, STN_DROP_CONTACT_RATE);
        } else if (!stn_gate_address(gate, datagram->from, STN_GATE_PER_ADDRESS, datagram->now)) {
            return stn_drop(core, STN_DROP_ADDRESS_RATE);
        }
        return stn_give_up(core, &core->datagrams, STN_UP_DATAGRAM, NULL, datagram);
    }
    return stn_drop(core, STN_DROP_CAPSULE_SHARD);
}

int stn_receive_stun(stn_core *core, const struct stn_datagram *datagram)
{
    struct stn_stun message;
    struct stn_capsule named;
    struct stn_login fresh = {0};
    enum stn_drop why;
    if (!stn_stun_parse(datagram->data, datagram->len, &message))
        return stn_drop(core, STN_DROP_MALFORMED_STUN);
    /* FINGERPRINT is a must in a connectivity check (RFC 8445 section 7.1). */
    if (message.kind != STN_STUN_REQUEST || message.method != STN_STUN_BINDING || !message.has_fingerprint)
        return stn_drop(core, STN_DROP_NOT_A_CHECK);
    enum stn_capsule_verdict verdict = stn_capsule_peek(stn_stun_ufrag(&message), &named);
    if (verdict != STN_CAPSULE_OK)
        return stn_drop(core, drop_of(verdict));
    if (named.shard != core->shard)
        return stranger(core, named.shard, datagram);
    struct stn_row *row = stn_row_of_session(core, named.session);
    if (row == NULL)
        return first_contact(core, &message, datagram);
    const struct stn_login *login = login_of(core, row, &message, datagram->now, &fresh, &why);
    if (login == NULL)
        return stn_drop(core, why);
    if (!stn_may_use(core, datagram->from, row, datagram->now))
        return stn_drop(core, STN_DROP_ADDRESS_OF_ANOTHER);
    if (login == &fresh)
        login = adopt(row, &fresh);
    return answer_row(core, row, login, &message, datagram);
}

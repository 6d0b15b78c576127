/* What the media thread does with one datagram, and with listeners that fall silent.
 *
 * The rules are those of core/webrtc/peer_table.py for sessions that are connected. Python's tables keep the
 * rest: handshakes, publishers, and whatever comes from an address they asked for.
 */
#include "stn_receive.h"

#include <stdlib.h>
#include <string.h>

#include "stn_rtcp.h"

#define CONSENT_HOLD (10 * STN_SECOND) /* nobody loses consent for so long after the kernel dropped datagrams */
#define TIMER_ROUND 50                 /* calls in which all rows have their turn: a second at 20 ms */
#define MAX_REPORTS 62                 /* report blocks that fit 1,500 bytes */

int stn_receive_open(stn_core *core)
{
    static const char label[] = "stentor gate";
    struct stn_receive *receive = calloc(1, sizeof *receive);
    if (receive == NULL)
        return -1;
    uint8_t seed[STN_SHA256_SIZE];
    const stn_slice text = {(const uint8_t *)label, sizeof label};
    stn_hmac_sha256_key(&receive->secret, core->secret, sizeof core->secret);
    stn_hmac_sha256(&receive->secret, &text, 1, seed);
    stn_gate_init(&receive->gate, seed, 0);
    core->receive = receive;
    return 0;
}

void stn_receive_close(stn_core *core)
{
    if (core->receive != NULL)
        explicit_bzero(core->receive, sizeof *core->receive); /* it holds the secret */
    free(core->receive);
    core->receive = NULL;
}

int stn_drop(stn_core *core, enum stn_drop reason)
{
    stn_count(&core->counters.dropped[reason], 1);
    return -1;
}

int stn_give_up(stn_core *core, struct stn_up_ring *ring, enum stn_up kind, const struct stn_row *row,
                const struct stn_datagram *datagram)
{
    const struct stn_up_record record = {
        .size = (uint32_t)datagram->len,
        .row = row != NULL ? row->handle : 0,
        .kind = (uint8_t)kind,
        .from = *datagram->from,
        .local = *datagram->local,
    };
    return stn_up_push(ring, &record, datagram->data) ? 0 : stn_drop(core, STN_DROP_RING_FULL);
}

void stn_tell_move(stn_core *core, struct stn_row *row)
{
    int at = stn_ice_media_pair(&row->ice);
    if (at < 0 || stn_same_address(&row->ice.pairs[at].address, &row->target->to))
        return;
    stn_count(&core->counters.moves, 1);
    stn_row_moved(core, row, &row->ice.pairs[at]);
}

/* The blocks about our stream: what the listener has missed. */
static void take_reports(stn_core *core, struct stn_row *row, const struct stn_report *reports, size_t count, int64_t now)
{
    for (size_t i = 0; i < count; i++) {
        const struct stn_report *report = &reports[i];
        if (report->ssrc != row->target->ssrc)
            continue;
        stn_set(&row->report.fraction_lost, report->fraction_lost);
        stn_set(&row->report.lost, (uint32_t)report->packets_lost);
        stn_set(&row->report.highest, report->highest_sequence);
        stn_set(&row->report.jitter, report->jitter);
        atomic_store_explicit(&row->report.at, (uint64_t)now, memory_order_relaxed);
        stn_set(&row->report.count, row->report.count + 1);
        stn_row_reported(core, row, report->fraction_lost);
    }
}

static int receive_rtcp(stn_core *core, struct stn_row *row, const struct stn_datagram *datagram)
{
    uint8_t plain[STN_MAX_DATAGRAM];
    struct stn_report reports[MAX_REPORTS];
    size_t count;
    const stn_slice data = {datagram->data, datagram->len};
    int size = stn_srtcp_open(&core->ciphers, &row->rtcp_in, &row->replays, data, plain);
    if (size < 0)
        return stn_drop(core, STN_DROP_SRTP);
    stn_count(&core->counters.rtcp, 1);
    stn_ice_authenticated(&row->ice, datagram->from, datagram->now);
    stn_row_confirmed(core, row);
    stn_tell_move(core, row);
    if (!stn_rtcp_parse((stn_slice){plain, (size_t)size}, reports, MAX_REPORTS, &count))
        return stn_drop(core, STN_DROP_RTCP);
    take_reports(core, row, reports, count < MAX_REPORTS ? count : MAX_REPORTS, datagram->now);
    return 0;
}

/* DTLS of a listener goes to the association that Python keeps; of the rest, only SRTCP is expected. */
static int receive_row(stn_core *core, struct stn_row *row, const struct stn_datagram *datagram)
{
    uint8_t first = datagram->data[0];
    if (stn_ice_find(&row->ice, datagram->from) < 0)
        return stn_drop(core, STN_DROP_UNKNOWN_ADDRESS);
    if (first >= 20 && first <= 63) { /* RFC 7983 section 7 */
        if (!stn_gate_address(&core->receive->gate, datagram->from, STN_GATE_PER_ROW, datagram->now))
            return stn_drop(core, STN_DROP_ADDRESS_RATE);
        return stn_give_up(core, &core->datagrams, STN_UP_DATAGRAM, row, datagram);
    }
    if (first < 128 || first > 191 || datagram->len < 2)
        return stn_drop(core, STN_DROP_NOT_OURS);
    if (datagram->data[1] < 192 || datagram->data[1] > 223) /* RFC 5761 section 4 */
        return stn_drop(core, STN_DROP_RTP);
    return receive_rtcp(core, row, datagram);
}

int stn_receive_datagram(stn_core *core, const uint8_t *data, size_t len, const struct stn_address *from,
                         const struct stn_source *local, int64_t now_ns)
{
    const struct stn_datagram datagram = {data, len, from, local, now_ns};
    if (len > STN_MAX_DATAGRAM)
        return stn_drop(core, STN_DROP_TOO_LONG);
    if (len > 0 && data[0] <= 3)
        return stn_receive_stun(core, &datagram);
    struct stn_owner owner = stn_owner_of(core, from);
    if (owner.row == NULL && !owner.python)
        return stn_drop(core, STN_DROP_UNKNOWN_ADDRESS);
    if (len == 0)
        return stn_drop(core, STN_DROP_NOT_OURS);
    if (owner.row != NULL)
        return receive_row(core, owner.row, &datagram);
    if (!stn_gate_address(&core->receive->gate, from, STN_GATE_PER_ADDRESS, now_ns))
        return stn_drop(core, STN_DROP_ADDRESS_RATE);
    return stn_give_up(core, &core->datagrams, STN_UP_DATAGRAM, NULL, &datagram);
}

/* Undo a move nobody confirmed; false when another lives there now, so that there is no way back. */
static bool settle(stn_core *core, struct stn_row *row, int64_t now)
{
    int back = stn_ice_settle(&row->ice, now);
    if (back < 0)
        return true;
    const struct stn_address *address = &row->ice.pairs[back].address;
    if (!stn_may_use(core, address, row, now))
        return false;
    stn_claim(core, address, row);
    stn_tell_move(core, row);
    return true;
}

static bool has_consent(const stn_core *core, struct stn_row *row, int64_t now)
{
    if (now < stn_ice_consent_deadline(&row->ice))
        return true;
    if (now >= core->consent_held_until)
        return false;
    stn_ice_hold_consent(&row->ice, core->consent_held_until);
    return true;
}

static void lose_consent(stn_core *core, struct stn_row *row)
{
    stn_count(&core->counters.consent_lost, 1);
    stn_row_closed(core, row, STN_CLOSE_CONSENT);
}

void stn_check_consent(stn_core *core, struct stn_row *row, int64_t now)
{
    if (!has_consent(core, row, now))
        lose_consent(core, row);
}

void stn_receive_timers(stn_core *core, int64_t now_ns)
{
    uint32_t turns = core->row_count / TIMER_ROUND + 1;
    for (; turns > 0 && core->row_count > 0; turns--) {
        if (core->timer_cursor >= core->row_count)
            core->timer_cursor = 0;
        struct stn_row *row = core->rows[core->timer_cursor];
        if (!row->known) { /* Python has its addresses and its consent */
            core->timer_cursor++;
            continue;
        }
        if (settle(core, row, now_ns) && has_consent(core, row, now_ns))
            core->timer_cursor++;
        else
            lose_consent(core, row); /* another row has its slot now */
    }
}

void stn_receive_overflow(stn_core *core, uint64_t count, int64_t now_ns)
{
    stn_count(&core->counters.dropped[STN_DROP_RECEIVE_QUEUE], count);
    if (now_ns + CONSENT_HOLD > core->consent_held_until)
        core->consent_held_until = now_ns + CONSENT_HOLD;
}

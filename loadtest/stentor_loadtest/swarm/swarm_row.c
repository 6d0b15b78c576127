/* One listener: what its datagrams mean, its consent checks, its receiver reports. The caller holds the lock. */
#include <string.h>

#include <stddef.h>

#include "swarm_bytes.h"
#include "swarm_core.h"

enum {
    RTP_HEADER = 12,
    TAG = 16,
    SRTCP_CLEAR = 8,
    SRTCP_INDEX = 4,
    ALERT = 21,
    SENDER_REPORT = 200,
    RECEIVER_REPORT = 201,
    SOURCE_DESCRIPTION = 202
};
static const char CNAME[] = "loadtest";
static const int64_t FRAME = 20000000; /* the shortest packet, in ns: one frame of Opus */

/* RFC 7714 sections 8.1 and 9.1: two zero bytes, SSRC, 48-bit index, all of it xor the salt. */
static void nonce(uint8_t iv[12], const uint8_t salt[12], const uint8_t ssrc[4], uint64_t index)
{
    memcpy(iv, salt, 12);
    for (int i = 0; i < 4; i++)
        iv[2 + i] ^= ssrc[i];
    for (int i = 0; i < 6; i++)
        iv[6 + i] ^= (uint8_t)(index >> (40 - 8 * i));
}

static int open_rtp(swarm *s, swarm_listener_row *row, const uint8_t *data, size_t length, int64_t index)
{
    uint8_t iv[12], plain[1600];
    size_t header = RTP_HEADER + 4u * (data[0] & 15u);
    if ((data[0] & 16) && header + 4 <= length)
        header += 4 + 4 * ((size_t)data[header + 2] << 8 | data[header + 3]);
    if (index < 0 || header + TAG > length)
        return 0;
    nonce(iv, row->keys.rtp_salt, data + 8, (uint64_t)index);
    if (swarm_gcm_open(s->cipher, row->keys.rtp_key, iv, data, header, data + header, length - header, plain) < 0)
        return 0;
    row->opened++;
    return 1;
}

static void hear(swarm *s, uint32_t index, int64_t arrival)
{
    int64_t length = s->rows[index].reception.duration * 62500 / 3; /* 48 kHz (RFC 7587 section 4.1) in ns */
    swarm_hear(&s->hearings[s->listener_of[index]], arrival, length > FRAME ? length : FRAME);
}

static void receive_rtp(swarm *s, uint32_t index, const uint8_t *data, size_t length, int64_t arrival)
{
    swarm_listener_row *row = &s->rows[index];
    swarm_reception *r = &row->reception;
    uint32_t sequence = (uint32_t)data[2] << 8 | data[3];
    if (!r->started) {
        if (!row->plain && !open_rtp(s, row, data, length, sequence)) {
            row->unreadable++;
            return;
        }
        r->ssrc = swarm_get32(data + 8);
        swarm_receive(r, &s->program, sequence, swarm_get32(data + 4), arrival, length);
        hear(s, index, arrival);
        swarm_tell(s, index, SWARM_HEARD, NULL, 0);
        return;
    }
    int64_t extended = swarm_extend(r->highest, sequence, 16);
    if (!swarm_receive(r, &s->program, extended, swarm_get32(data + 4), arrival, length))
        return;
    hear(s, index, arrival);
    if (!row->plain && r->packets % s->verify_every == 0 && !open_rtp(s, row, data, length, extended))
        row->unreadable++;
}

static void receive_rtcp(swarm *s, swarm_listener_row *row, const uint8_t *data, size_t length, int64_t arrival)
{
    uint8_t iv[12], aad[SRTCP_CLEAR + SRTCP_INDEX], plain[1600];
    if (row->plain || length < SRTCP_CLEAR + TAG + SRTCP_INDEX)
        return;
    const uint8_t *trailer = data + length - SRTCP_INDEX;
    nonce(iv, row->keys.rtcp_salt, data + 4, swarm_get32(trailer) & 0x7FFFFFFF);
    memcpy(aad, data, SRTCP_CLEAR);
    memcpy(aad + SRTCP_CLEAR, trailer, SRTCP_INDEX);
    int size = swarm_gcm_open(s->cipher, row->keys.rtcp_key, iv, aad, sizeof aad, data + SRTCP_CLEAR,
                              length - SRTCP_CLEAR - SRTCP_INDEX, plain);
    if (size < 0) {
        row->unreadable++;
    } else if (data[1] == SENDER_REPORT && size >= 20) {
        row->sender_reports++;
        row->last_report = swarm_get32(plain) << 16 | swarm_get32(plain + 4) >> 16;
        row->last_report_at = arrival;
    }
}

static void answer_check(swarm *s, uint32_t index, const uint8_t *data, size_t length)
{
    swarm_listener_row *row = &s->rows[index];
    uint8_t answer[SWARM_STUN_MOST];
    size_t size = swarm_stun_answer(answer, data, length, row->own_password, ntohl(row->server.sin_addr.s_addr),
                                    ntohs(row->server.sin_port));
    if (size > 0 && swarm_transmit(s, index, answer, size) != 0)
        s->totals.send_errors++;
}

static void receive_stun(swarm *s, uint32_t index, const uint8_t *data, size_t length)
{
    swarm_listener_row *row = &s->rows[index];
    if (row->consent_sent > 0 && data[0] == 0) {
        answer_check(s, index, data, length);
        return;
    }
    if (row->consent_sent == 0 || !swarm_stun_is_answer(data, length, row->transaction, row->password))
        return;
    row->consent_answered++;
    if (row->state == SWARM_CHECKING) {
        row->state = SWARM_CHECKED;
        swarm_tell(s, index, SWARM_NOMINATED, NULL, 0);
    }
}

void swarm_datagram(swarm *s, uint32_t index, const uint8_t *data, size_t length, int64_t arrival)
{
    swarm_listener_row *row = &s->rows[index];
    if (length < RTP_HEADER || row->state == SWARM_FREE || row->state == SWARM_GONE)
        return;
    if (data[0] >= 128 && data[0] < 192) { /* RFC 7983 */
        if (row->state != SWARM_SEATED)
            s->totals.early++; /* the server was connected before us: cannot be read yet */
        else if (data[1] >= 192 && data[1] < 224)
            receive_rtcp(s, row, data, length, arrival);
        else
            receive_rtp(s, index, data, length, arrival);
    } else if (data[0] < 4) {
        receive_stun(s, index, data, length);
    } else if (row->state != SWARM_SEATED) {
        swarm_tell(s, index, SWARM_DATAGRAM, data, length);
    } else if (data[0] == ALERT && !row->plain) { /* an encrypted alert to a seated listener is close_notify */
        row->state = SWARM_GONE;
        swarm_tell(s, index, SWARM_CLOSED, NULL, 0);
    }
}

void swarm_consent(swarm *s, uint32_t index)
{
    swarm_listener_row *row = &s->rows[index];
    uint8_t request[SWARM_STUN_MOST];
    swarm_put32(row->transaction, ++row->transaction_count);
    size_t size = swarm_stun_request(request, row->transaction, row->username, row->password, row->tie_breaker);
    row->consent_sent++;
    if (swarm_transmit(s, index, request, size) != 0)
        s->totals.send_errors++;
}

/* A report block since the last one (RFC 3550 A.3). */
static void put_block(swarm_listener_row *row, uint8_t out[24], int64_t now)
{
    swarm_reception *r = &row->reception;
    int64_t expected = (int64_t)swarm_expected(r), packets = (int64_t)r->packets;
    int64_t due = expected - r->reported_expected, lost = due - (packets - r->reported_packets);
    uint32_t fraction = due > 0 && lost > 0 ? (uint32_t)(lost * 256 / due) : 0;
    uint32_t missing = expected > packets ? (uint32_t)(expected - packets) & 0x7FFFFF : 0;
    r->reported_expected = expected;
    r->reported_packets = packets;
    swarm_put32(out, r->ssrc);
    swarm_put32(out + 4, (fraction > 255 ? 255 : fraction) << 24 | missing);
    swarm_put32(out + 8, (uint32_t)r->highest);
    swarm_put32(out + 12, r->jitter >> 4);
    swarm_put32(out + 16, row->last_report);
    swarm_put32(out + 20, row->last_report_at ? (uint32_t)((now - row->last_report_at) * 65536 / 1000000000) : 0);
}

void swarm_report(swarm *s, uint32_t index, int64_t now)
{
    swarm_listener_row *row = &s->rows[index];
    uint8_t plain[64] = {0}, sealed[64 + TAG + SRTCP_INDEX], iv[12], aad[SRTCP_CLEAR + SRTCP_INDEX];
    size_t blocks = row->reception.started ? 24 : 0, at = 8 + blocks;
    swarm_put32(plain, (uint32_t)(0x80 | (blocks != 0)) << 24 | RECEIVER_REPORT << 16 | (uint32_t)(1 + blocks / 4));
    swarm_put32(plain + 4, row->own_ssrc);
    if (blocks)
        put_block(row, plain + 8, now);
    swarm_put32(plain + at, 0x81u << 24 | SOURCE_DESCRIPTION << 16 | 4);
    swarm_put32(plain + at + 4, row->own_ssrc);
    plain[at + 8] = 1;
    plain[at + 9] = sizeof CNAME - 1;
    memcpy(plain + at + 10, CNAME, sizeof CNAME - 1);
    size_t size = at + 20;
    nonce(iv, row->keys.report_salt, plain + 4, row->report_index);
    memcpy(sealed, plain, SRTCP_CLEAR);
    memcpy(aad, plain, SRTCP_CLEAR);
    swarm_put32(aad + SRTCP_CLEAR, 0x80000000u | row->report_index++);
    int body = swarm_gcm_seal(s->cipher, row->keys.report_key, iv, aad, sizeof aad, plain + SRTCP_CLEAR,
                              size - SRTCP_CLEAR, sealed + SRTCP_CLEAR);
    if (body < 0)
        return;
    memcpy(sealed + SRTCP_CLEAR + body, aad + SRTCP_CLEAR, SRTCP_INDEX);
    row->reports_sent++;
    if (swarm_transmit(s, index, sealed, SRTCP_CLEAR + (size_t)body + SRTCP_INDEX) != 0)
        s->totals.send_errors++;
}

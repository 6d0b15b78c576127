/* RTCP compound packets (RFC 3550 section 6), by the rules of core/rtp/rtcp.py. */
#include "stn_rtcp.h"

#include <string.h>

#include "stn_bytes.h"
#include "stn_text.h"

enum { SENDER_REPORT = 200, RECEIVER_REPORT = 201, SOURCE_DESCRIPTION = 202, BYE = 203 };
enum { CNAME = 1, SENDER_INFO = 24, RECEIVER_INFO = 4, BLOCK = 24 };

struct found {
    struct stn_report *reports;
    size_t capacity;
    size_t count;
};

/* Blocks after the first `start` bytes; profile-specific extensions may follow them (section 6.4.3). */
static bool parse_blocks(stn_slice body, size_t start, unsigned blocks, struct found *found)
{
    if (body.len < start + (size_t)blocks * BLOCK)
        return false;
    for (const uint8_t *at = body.data + start; blocks > 0; blocks--, at += BLOCK) {
        if (found->count++ >= found->capacity)
            continue;
        uint32_t loss = stn_get32(at + 4);
        struct stn_report *report = &found->reports[found->count - 1];
        report->ssrc = stn_get32(at);
        report->fraction_lost = (uint8_t)(loss >> 24);
        report->packets_lost = (int32_t)(loss & 0x7FFFFF) - (int32_t)(loss & 0x800000);
        report->highest_sequence = stn_get32(at + 8);
        report->jitter = stn_get32(at + 12);
        report->lsr = stn_get32(at + 16);
        report->dlsr = stn_get32(at + 20);
    }
    return true;
}

/* Where the chunk after the one whose items start at `at` begins, 0 when this one is malformed. */
static size_t parse_items(stn_slice body, size_t at)
{
    const uint8_t *data = body.data;
    while (at < body.len && data[at] != 0) {
        if (body.len < at + 2 || body.len < at + 2 + data[at + 1])
            return 0;
        if (data[at] == CNAME && !stn_is_utf8(data + at + 2, data[at + 1]))
            return 0;
        at += 2 + (size_t)data[at + 1];
    }
    size_t end = (at & ~(size_t)3) + 4; /* one to four zero bytes up to the next word (section 6.5) */
    if (end > body.len)
        return 0;
    for (; at < end; at++)
        if (data[at] != 0)
            return 0;
    return end;
}

static bool parse_source_descriptions(stn_slice body, unsigned chunks)
{
    size_t at = 0;
    for (; chunks > 0; chunks--) {
        if (body.len < at + 4)
            return false;
        at = parse_items(body, at + 4);
        if (at == 0)
            return false;
    }
    return at == body.len;
}

static bool parse_bye(stn_slice body, unsigned sources)
{
    size_t end = 4 * (size_t)sources;
    if (body.len <= end)
        return body.len == end;
    size_t length = body.data[end];
    return body.len >= end + 1 + length && stn_is_utf8(body.data + end + 1, length);
}

static bool parse_one(unsigned type, unsigned count, stn_slice body, struct found *found)
{
    switch (type) {
    case SENDER_REPORT:
        return body.len >= SENDER_INFO && parse_blocks(body, SENDER_INFO, count, found);
    case RECEIVER_REPORT:
        return body.len >= RECEIVER_INFO && parse_blocks(body, RECEIVER_INFO, count, found);
    case SOURCE_DESCRIPTION:
        return parse_source_descriptions(body, count);
    case BYE:
        return parse_bye(body, count);
    default:
        return true;
    }
}

/* Take the padding off; it belongs to the last packet only (section 6.4.1). */
static bool strip_padding(stn_slice *body, bool last)
{
    unsigned padding = body->len > 0 ? body->data[body->len - 1] : 0;
    if (!last || padding == 0 || padding % 4 != 0 || padding > body->len)
        return false;
    body->len -= padding;
    return true;
}

bool stn_rtcp_parse(stn_slice data, struct stn_report *reports, size_t capacity, size_t *count)
{
    struct found found = {reports, capacity, 0};
    *count = 0;
    for (size_t at = 0; at < data.len;) {
        if (data.len - at < 4 || (data.data[at] & 0xC0) != 0x80)
            return false;
        size_t end = at + 4 + 4 * (size_t)stn_get16(data.data + at + 2);
        if (end > data.len)
            return false;
        stn_slice body = {data.data + at + 4, end - at - 4};
        if ((data.data[at] & 0x20) != 0 && !strip_padding(&body, end == data.len))
            return false;
        if (!parse_one(data.data[at + 1], data.data[at] & 0x1F, body, &found))
            return false;
        at = end;
    }
    *count = found.count;
    return data.len > 0;
}

static void put_header(uint8_t *out, unsigned count, unsigned type, size_t size)
{
    out[0] = (uint8_t)(0x80 | count);
    out[1] = (uint8_t)type;
    stn_put16(out + 2, (uint16_t)(size / 4 - 1));
}

size_t stn_rtcp_sender_report(uint8_t out[STN_RTCP_MAX_SENDER_REPORT], uint32_t ssrc, uint64_t ntp,
                              uint32_t rtp_timestamp, uint32_t packets, uint32_t octets, stn_slice cname)
{
    put_header(out, 0, SENDER_REPORT, 4 + SENDER_INFO);
    stn_put32(out + 4, ssrc);
    stn_put64(out + 8, ntp);
    stn_put32(out + 16, rtp_timestamp);
    stn_put32(out + 20, packets);
    stn_put32(out + 24, octets);
    uint8_t *description = out + 4 + SENDER_INFO;
    size_t items = cname.len > 0 && cname.len <= STN_RTCP_MAX_CNAME ? 2 + cname.len : 0;
    size_t size = 8 + items + (4 - items % 4);
    put_header(description, 1, SOURCE_DESCRIPTION, size);
    stn_put32(description + 4, ssrc);
    memset(description + 8, 0, size - 8);
    if (items > 0) {
        description[8] = CNAME;
        description[9] = (uint8_t)cname.len;
        memcpy(description + 10, cname.data, cname.len);
    }
    return 4 + SENDER_INFO + size;
}

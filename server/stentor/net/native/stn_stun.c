/* STUN messages of ICE. Every rule is that of core/webrtc/stun.py; RFC 8489 unless said. */
#include "stn_stun.h"

#include <string.h>

#include "stn_bytes.h"
#include "stn_text.h"

#define COOKIE UINT32_C(0x2112A442)
#define FINGERPRINT_XOR UINT32_C(0x5354554E) /* "STUN" (section 14.7) */

enum { HEADER = 20, INTEGRITY = 24, FINGERPRINT_ATTRIBUTE = 8, TRANSACTION = 12 };

enum {
    USERNAME = 0x0006,
    MESSAGE_INTEGRITY = 0x0008,
    XOR_MAPPED_ADDRESS = 0x0020,
    USE_CANDIDATE = 0x0025,
    FINGERPRINT = 0x8028,
};

static bool fingerprint_matches(const struct stn_stun *message, size_t at, size_t size)
{
    const uint8_t *data = message->raw;
    if (size != 4 || at + FINGERPRINT_ATTRIBUTE != message->size)
        return false;
    return stn_get32(data + at + 4) == (stn_crc32(data, at) ^ FINGERPRINT_XOR);
}

/* An attribute that MESSAGE-INTEGRITY covers. The first of its type counts (section 14). */
static void take(struct stn_stun *message, unsigned type, const uint8_t *value, size_t size, bool *named)
{
    message->attributes++;
    if (type == USE_CANDIDATE)
        message->use_candidate = true;
    if (type != USERNAME || *named)
        return;
    *named = true;
    if (!stn_is_utf8(value, size))
        return;
    message->username = value;
    message->username_size = size;
}

static bool parse_attributes(struct stn_stun *message)
{
    const uint8_t *data = message->raw;
    unsigned count = 0;
    bool named = false;
    for (size_t at = HEADER; at < message->size;) { /* both are multiples of four: four bytes always fit */
        unsigned type = stn_get16(data + at);
        size_t size = stn_get16(data + at + 2);
        size_t after = at + 4 + ((size + 3) & ~(size_t)3);
        if (after > message->size || ++count > STN_STUN_ATTRIBUTES)
            return false;
        if (type == FINGERPRINT) {
            message->has_fingerprint = fingerprint_matches(message, at, size);
            return message->has_fingerprint;
        }
        if (message->integrity_at == 0) {
            if (type != MESSAGE_INTEGRITY)
                take(message, type, data + at + 4, size, &named);
            else if (size == STN_SHA1_SIZE)
                message->integrity_at = at;
            else
                return false;
        }
        at = after;
    }
    return true;
}

bool stn_stun_parse(const uint8_t *data, size_t size, struct stn_stun *message)
{
    if (size < HEADER)
        return false;
    unsigned type = stn_get16(data);
    size_t length = stn_get16(data + 2);
    if ((type & 0xC000) != 0 || stn_get32(data + 4) != COOKIE)
        return false;
    if (length != size - HEADER || (length & 3) != 0)
        return false;
    memset(message, 0, sizeof *message);
    message->raw = data;
    message->size = size;
    message->transaction = data + 8;
    message->kind = (enum stn_stun_class)((type >> 4 & 1) | (type >> 7 & 2)); /* section 5: the C bits */
    message->method = (uint16_t)((type & 0x000F) | (type >> 1 & 0x0070) | (type >> 2 & 0x0F80));
    return parse_attributes(message);
}

stn_slice stn_stun_ufrag(const struct stn_stun *message)
{
    stn_slice ufrag = {message->username, message->username_size};
    const uint8_t *colon = ufrag.data != NULL ? memchr(ufrag.data, ':', ufrag.len) : NULL;
    if (colon != NULL)
        ufrag.len = (size_t)(colon - ufrag.data);
    return ufrag;
}

bool stn_stun_check_integrity(const struct stn_stun *message, const struct stn_hmac_sha1 *password)
{
    size_t at = message->integrity_at;
    if (at == 0)
        return false;
    uint8_t length[2], expected[STN_SHA1_SIZE];
    stn_put16(length, (uint16_t)(at - HEADER + INTEGRITY)); /* covered as if it ended at the attribute */
    const stn_slice covered[] = {{message->raw, 2}, {length, 2}, {message->raw + 4, at - 4}};
    stn_hmac_sha1(password, covered, 3, expected);
    return stn_same_mac(expected, message->raw + at + 4, STN_SHA1_SIZE);
}

static size_t put_mapped_address(uint8_t *out, const uint8_t *mask, const struct stn_address *mapped)
{
    bool ipv4 = stn_is_ipv4(mapped->ip);
    const uint8_t *ip = mapped->ip + (ipv4 ? 12 : 0);
    size_t size = ipv4 ? 4 : 16;
    stn_put16(out, XOR_MAPPED_ADDRESS);
    stn_put16(out + 2, (uint16_t)(4 + size));
    out[4] = 0;
    out[5] = ipv4 ? 1 : 2;
    stn_put16(out + 6, (uint16_t)(mapped->port ^ stn_get16(mask)));
    for (size_t i = 0; i < size; i++)
        out[8 + i] = ip[i] ^ mask[i];
    return 8 + size;
}

size_t stn_stun_success(uint8_t out[STN_STUN_MAX_ANSWER], const uint8_t transaction[12],
                        const struct stn_address *mapped, const struct stn_hmac_sha1 *password)
{
    stn_put16(out, STN_STUN_BINDING | STN_STUN_SUCCESS >> 1 << 8);
    stn_put32(out + 4, COOKIE);
    memcpy(out + 8, transaction, TRANSACTION);
    size_t at = HEADER + put_mapped_address(out + HEADER, out + 4, mapped); /* the mask: cookie, transaction */
    stn_put16(out + 2, (uint16_t)(at - HEADER + INTEGRITY));
    stn_put16(out + at, MESSAGE_INTEGRITY);
    stn_put16(out + at + 2, STN_SHA1_SIZE);
    const stn_slice covered = {out, at};
    stn_hmac_sha1(password, &covered, 1, out + at + 4);
    at += INTEGRITY;
    stn_put16(out + 2, (uint16_t)(at - HEADER + FINGERPRINT_ATTRIBUTE));
    stn_put16(out + at, FINGERPRINT);
    stn_put16(out + at + 2, 4);
    stn_put32(out + at + 4, stn_crc32(out, at) ^ FINGERPRINT_XOR);
    return at + FINGERPRINT_ATTRIBUTE;
}

#include "swarm_stun.h"

#include <string.h>

#include "swarm_bytes.h"
#include "swarm_crypto.h"

enum {
    HEADER = 20,
    USERNAME = 0x0006,
    INTEGRITY = 0x0008,
    PRIORITY = 0x0024,
    USE_CANDIDATE = 0x0025,
    FINGERPRINT = 0x8028,
    CONTROLLING = 0x802A,
    XOR_MAPPED_ADDRESS = 0x0020,
    REQUEST = 0x0001,
    SUCCESS = 0x0101,
    MAC = 20
};
static const uint32_t COOKIE = 0x2112A442, FINGERPRINT_XOR = 0x5354554E; /* RFC 8489 sections 5 and 14.7 */

/* CRC-32 of ISO 3309, four bits at a time. */
static uint32_t crc32(const uint8_t *data, size_t length)
{
    static const uint32_t nibble[16] = {
        0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
        0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C,
    };
    uint32_t crc = 0xFFFFFFFF;
    for (size_t i = 0; i < length; i++) {
        crc = nibble[(crc ^ data[i]) & 15] ^ crc >> 4;
        crc = nibble[(crc ^ data[i] >> 4) & 15] ^ crc >> 4;
    }
    return ~crc;
}

static uint8_t *attribute(uint8_t *p, uint32_t type, const void *value, size_t length)
{
    swarm_put16(p, type);
    swarm_put16(p + 2, (uint32_t)length);
    memcpy(p + 4, value, length);
    size_t padded = (length + 3) & ~(size_t)3;
    memset(p + 4 + length, 0, padded - length);
    return p + 4 + padded;
}

/* MESSAGE-INTEGRITY and FINGERPRINT behind what is there; returns the whole length. */
static size_t seal(uint8_t *out, uint8_t *p, const char *password)
{
    uint8_t value[4], mac[MAC];
    swarm_put16(out + 2, (uint32_t)(p - out - HEADER + 4 + MAC)); /* as if it ended after MESSAGE-INTEGRITY */
    swarm_hmac_sha1((const uint8_t *)password, strlen(password), out, (size_t)(p - out), mac);
    p = attribute(p, INTEGRITY, mac, MAC);
    swarm_put16(out + 2, (uint32_t)(p - out - HEADER + 8));
    swarm_put32(value, crc32(out, (size_t)(p - out)) ^ FINGERPRINT_XOR);
    return (size_t)(attribute(p, FINGERPRINT, value, 4) - out);
}

static int has_integrity(const uint8_t *data, size_t length, const char *password)
{
    uint8_t copy[SWARM_STUN_MOST], mac[MAC];
    if (length < HEADER || length > sizeof copy)
        return 0;
    for (size_t at = HEADER; at + 4 <= length;) {
        size_t size = (size_t)data[at + 2] << 8 | data[at + 3];
        if (at + 4 + size > length)
            return 0;
        if (data[at] == 0 && data[at + 1] == INTEGRITY && size == MAC) {
            memcpy(copy, data, at);
            swarm_put16(copy + 2, (uint32_t)(at - HEADER + 4 + MAC));
            swarm_hmac_sha1((const uint8_t *)password, strlen(password), copy, at, mac);
            return memcmp(mac, data + at + 4, MAC) == 0;
        }
        at += 4 + ((size + 3) & ~(size_t)3);
    }
    return 0;
}

size_t swarm_stun_request(uint8_t out[SWARM_STUN_MOST], const uint8_t transaction[SWARM_TRANSACTION],
                          const char *username, const char *password, uint64_t tie_breaker)
{
    size_t name = strlen(username);
    if (name > 256)
        return 0;
    uint8_t value[8];
    swarm_put16(out, REQUEST);
    swarm_put32(out + 4, COOKIE);
    memcpy(out + 8, transaction, SWARM_TRANSACTION);
    uint8_t *p = attribute(out + HEADER, USERNAME, username, name);
    swarm_put32(value, 0x6E0001FF); /* of a peer reflexive candidate (RFC 8445 section 7.1.1) */
    p = attribute(p, PRIORITY, value, 4);
    swarm_put32(value, (uint32_t)(tie_breaker >> 32));
    swarm_put32(value + 4, (uint32_t)tie_breaker);
    p = attribute(p, CONTROLLING, value, 8);
    p = attribute(p, USE_CANDIDATE, value, 0);
    return seal(out, p, password);
}

int swarm_stun_is_answer(const uint8_t *data, size_t length, const uint8_t transaction[SWARM_TRANSACTION],
                         const char *password)
{
    return length >= HEADER && data[0] == SUCCESS >> 8 && data[1] == (SUCCESS & 0xFF) &&
           memcmp(data + 8, transaction, SWARM_TRANSACTION) == 0 && has_integrity(data, length, password);
}

size_t swarm_stun_answer(uint8_t out[SWARM_STUN_MOST], const uint8_t *data, size_t length, const char *password,
                         uint32_t ip, uint16_t port)
{
    uint8_t value[8];
    if (length < HEADER || data[0] != 0 || data[1] != REQUEST || !has_integrity(data, length, password))
        return 0;
    memcpy(out, data, HEADER);
    swarm_put16(out, SUCCESS);
    swarm_put16(value, 1); /* IPv4 */
    swarm_put16(value + 2, port ^ (COOKIE >> 16));
    swarm_put32(value + 4, ip ^ COOKIE);
    return seal(out, attribute(out + HEADER, XOR_MAPPED_ADDRESS, value, 8), password);
}

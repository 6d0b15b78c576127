/* See harness.h. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stn_bytes.h"
#include "stn_text.h"

const uint8_t harness_secret[32] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};

void harness_broken(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken: %s\n", file, line, condition);
    abort();
}

uint8_t take8(struct input *input)
{
    if (input->size == 0)
        return 0;
    input->size--;
    return *input->data++;
}

uint16_t take16(struct input *input) { return (uint16_t)(take8(input) << 8 | take8(input)); }

uint32_t take32(struct input *input) { return (uint32_t)take16(input) << 16 | take16(input); }

uint8_t *take_bytes(struct input *input, size_t size, size_t *taken)
{
    *taken = size < input->size ? size : input->size;
    uint8_t *bytes = malloc(*taken);
    if (*taken > 0)
        memcpy(bytes, input->data, *taken);
    input->data += *taken;
    input->size -= *taken;
    return bytes;
}

void harness_open(void)
{
    char error[256];
    if (stn_crypto_load(error, sizeof error) == 0)
        return;
    fprintf(stderr, "%s\n", error);
    exit(2);
}

static void base64(const uint8_t *data, size_t size, char *out)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t in = 0; in < size; in += 3, out += 4) {
        uint32_t bits = (uint32_t)data[in] << 16 | (uint32_t)data[in + 1] << 8 | data[in + 2];
        for (int i = 0; i < 4; i++)
            out[i] = alphabet[bits >> (18 - 6 * i) & 63];
    }
}

void harness_seal_capsule(const struct stn_capsule *capsule, char ufrag[STN_CAPSULE_CHARS])
{
    uint8_t bytes[75], mac[STN_SHA256_SIZE];
    struct stn_hmac_sha256 secret;
    bytes[0] = STN_CAPSULE_VERSION;
    bytes[1] = capsule->key_id;
    stn_put32(bytes + 2, capsule->shard);
    bytes[6] = capsule->kind;
    memcpy(bytes + 7, capsule->session, 8);
    memcpy(bytes + 15, capsule->ticket, 8);
    memcpy(bytes + 23, capsule->event, 8);
    bytes[31] = capsule->generation;
    bytes[32] = capsule->opus_pt;
    bytes[33] = capsule->red_pt;
    bytes[34] = capsule->maxptime;
    memcpy(bytes + 35, capsule->fingerprint_digest, 16);
    stn_put64(bytes + 51, capsule->expires_at_ms);
    stn_hmac_sha256_key(&secret, harness_secret, sizeof harness_secret);
    const stn_slice covered[] = {{(const uint8_t *)"stentor capsule", 16}, {bytes, 59}};
    stn_hmac_sha256(&secret, covered, 2, mac);
    memcpy(bytes + 59, mac, 16);
    base64(bytes, sizeof bytes, ufrag);
}

static size_t put_attribute(uint8_t *out, uint16_t type, const void *value, size_t size)
{
    stn_put16(out, type);
    stn_put16(out + 2, (uint16_t)size);
    if (size > 0)
        memcpy(out + 4, value, size);
    memset(out + 4 + size, 0, -size & 3);
    return 4 + size + (-size & 3);
}

size_t harness_binding(uint8_t out[512], const char *username, size_t username_size, const uint8_t transaction[12],
                       const struct stn_hmac_sha1 *password, bool use_candidate)
{
    stn_put16(out, 0x0001);
    stn_put32(out + 4, 0x2112A442);
    memcpy(out + 8, transaction, 12);
    size_t size = 20 + put_attribute(out + 20, 0x0006, username, username_size);
    if (use_candidate)
        size += put_attribute(out + size, 0x0025, NULL, 0);
    if (password != NULL) {
        uint8_t mac[STN_SHA1_SIZE];
        stn_put16(out + 2, (uint16_t)(size - 20 + 24));
        const stn_slice covered = {out, size};
        stn_hmac_sha1(password, &covered, 1, mac);
        size += put_attribute(out + size, 0x0008, mac, sizeof mac);
    }
    return harness_finish_stun(out, size, 512);
}

size_t harness_finish_stun(uint8_t *data, size_t size, size_t room)
{
    size &= ~(size_t)3;
    if (size < 20 || size + 8 > room)
        return size;
    data[0] &= 0x3F;
    stn_put32(data + 4, 0x2112A442);
    stn_put16(data + 2, (uint16_t)(size - 20 + 8));
    stn_put16(data + size, 0x8028);
    stn_put16(data + size + 2, 4);
    stn_put32(data + size + 4, stn_crc32(data, size) ^ 0x5354554E);
    return size + 8;
}

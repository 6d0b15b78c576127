/* Capsules and the passwords made from them. Layout and labels: the text of core/webrtc/capsule.py. */
#include "stn_capsule.h"

#include <string.h>

#include "stn_bytes.h"

enum { BODY = 59, MAC = 16, BYTES = BODY + MAC, KINDS = 3 };

/* With the zero byte that ends them as C strings: it is part of the label. */
static const char mac_label[] = "stentor capsule";
static const char password_label[] = "stentor ice password";

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int value_of(uint8_t character)
{
    if (character >= 'A' && character <= 'Z')
        return character - 'A';
    if (character >= 'a' && character <= 'z')
        return character - 'a' + 26;
    if (character >= '0' && character <= '9')
        return character - '0' + 52;
    return character == '+' ? 62 : character == '/' ? 63 : -1;
}

/* Exactly 100 ice-chars give exactly 75 bytes: a multiple of three, so that no padding and no second spelling
 * exists. */
static enum stn_capsule_verdict decode(stn_slice ufrag, uint8_t data[BYTES])
{
    if (ufrag.len != STN_CAPSULE_CHARS)
        return STN_CAPSULE_FORMAT;
    for (size_t in = 0, out = 0; in < STN_CAPSULE_CHARS; in += 4, out += 3) {
        int a = value_of(ufrag.data[in]), b = value_of(ufrag.data[in + 1]);
        int c = value_of(ufrag.data[in + 2]), d = value_of(ufrag.data[in + 3]);
        if ((a | b | c | d) < 0)
            return STN_CAPSULE_FORMAT;
        data[out] = (uint8_t)(a << 2 | b >> 4);
        data[out + 1] = (uint8_t)(b << 4 | c >> 2);
        data[out + 2] = (uint8_t)(c << 6 | d);
    }
    return data[0] == STN_CAPSULE_VERSION ? STN_CAPSULE_OK : STN_CAPSULE_VERSION_UNKNOWN;
}

static void read_body(const uint8_t *body, struct stn_capsule *capsule)
{
    capsule->key_id = body[1];
    capsule->shard = stn_get32(body + 2);
    capsule->kind = body[6];
    memcpy(capsule->session, body + 7, 8);
    memcpy(capsule->ticket, body + 15, 8);
    memcpy(capsule->event, body + 23, 8);
    capsule->generation = body[31];
    capsule->opus_pt = body[32] & 127;
    capsule->returning = body[32] >> 7;
    capsule->red_pt = body[33];
    capsule->maxptime = body[34];
    memcpy(capsule->fingerprint_digest, body + 35, 16);
    capsule->expires_at_ms = stn_get64(body + 51);
}

static bool mac_matches(const uint8_t data[BYTES], const struct stn_hmac_sha256 *secret)
{
    const stn_slice covered[] = {{(const uint8_t *)mac_label, sizeof mac_label}, {data, BODY}};
    uint8_t mac[STN_SHA256_SIZE];
    stn_hmac_sha256(secret, covered, 2, mac);
    return stn_same_mac(mac, data + BODY, MAC); /* half of it, as RFC 2104 section 5 allows */
}

enum stn_capsule_verdict stn_capsule_open(stn_slice ufrag, const struct stn_hmac_sha256 *secret, uint8_t key_id,
                                          struct stn_capsule *capsule)
{
    uint8_t data[BYTES];
    enum stn_capsule_verdict verdict = decode(ufrag, data);
    if (verdict != STN_CAPSULE_OK)
        return verdict;
    if (data[1] != key_id)
        return STN_CAPSULE_KEY;
    if (!mac_matches(data, secret))
        return STN_CAPSULE_MAC;
    if (data[6] >= KINDS)
        return STN_CAPSULE_FORMAT;
    read_body(data, capsule);
    return STN_CAPSULE_OK;
}

enum stn_capsule_verdict stn_capsule_peek(stn_slice ufrag, struct stn_capsule *capsule)
{
    uint8_t data[BYTES];
    enum stn_capsule_verdict verdict = decode(ufrag, data);
    if (verdict == STN_CAPSULE_OK)
        read_body(data, capsule);
    return verdict;
}

bool stn_capsule_expired(const struct stn_capsule *capsule, int64_t now)
{
    return now >= 0 && (uint64_t)now / 1000000 >= capsule->expires_at_ms;
}

void stn_capsule_identity(const struct stn_capsule *capsule, uint8_t identity[STN_CAPSULE_IDENTITY])
{
    identity[0] = capsule->kind;
    memcpy(identity + 1, capsule->event, 8);
    memcpy(identity + 9, capsule->ticket, 8);
    memcpy(identity + 17, capsule->fingerprint_digest, 16);
}

void stn_capsule_password(stn_slice ufrag, const struct stn_hmac_sha256 *secret, uint8_t password[STN_ICE_PASSWORD])
{
    const stn_slice covered[] = {{(const uint8_t *)password_label, sizeof password_label}, ufrag};
    uint8_t digest[STN_SHA256_SIZE];
    stn_hmac_sha256(secret, covered, 2, digest);
    for (size_t in = 0, out = 0; in < 24; in += 3, out += 4) {
        uint32_t bits = (uint32_t)digest[in] << 16 | (uint32_t)digest[in + 1] << 8 | digest[in + 2];
        for (int i = 0; i < 4; i++)
            password[out + (size_t)i] = (uint8_t)alphabet[bits >> (18 - 6 * i) & 63];
    }
}

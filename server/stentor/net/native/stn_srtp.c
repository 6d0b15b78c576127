#include "stn_srtp.h"

#include <string.h>

#include "stn_bytes.h"

enum { SHA1_TAG = 10, RTCP_CLEAR = 8, INDEX_WORD = 4, AUTH_KEY = 20, WINDOW = 64 };

#define ENCRYPTED UINT32_C(0x80000000) /* the E flag: we neither send nor accept RTCP in the clear (RFC 8827 6.5) */

static bool is_gcm(int profile) { return profile == STN_PROFILE_GCM_128 || profile == STN_PROFILE_GCM_256; }
static bool is_known(int profile) { return profile == STN_PROFILE_CM_SHA1_80 || is_gcm(profile); }
static size_t key_length(int profile) { return profile == STN_PROFILE_GCM_256 ? 32 : 16; }
static size_t salt_length(int profile) { return is_gcm(profile) ? 12 : 14; }

/* -- session keys: AES in counter mode over zeros (RFC 3711 section 4.3.3, RFC 6188 for 256 bits) ----------- */

static bool derive(stn_cipher *prf, const uint8_t *salt, size_t salt_size, uint8_t label, uint8_t *out, size_t size)
{
    static const uint8_t zeros[STN_SRTP_MAX_KEY];
    uint8_t iv[STN_AES_BLOCK] = {0};
    memcpy(iv, salt, salt_size); /* a 96-bit salt is filled up with zeros on the right (RFC 7714 section 11) */
    iv[7] ^= label;
    return stn_ctr(prf, iv, (stn_slice){zeros, size}, out);
}

/* The three keys of one kind of packet; `label` is 0 for RTP, 3 for RTCP. */
static bool derive_all(struct stn_srtcp_keys *keys, int profile, const uint8_t *key, const uint8_t *salt,
                       uint8_t label)
{
    if (!is_known(profile))
        return false;
    uint8_t auth[AUTH_KEY];
    size_t salt_size = salt_length(profile);
    stn_cipher *prf = stn_cipher_new(profile == STN_PROFILE_GCM_256 ? STN_AES_256_CTR : STN_AES_128_CTR, key);
    if (prf == NULL)
        return false;
    bool done = derive(prf, salt, salt_size, label, keys->key, key_length(profile)) &&
                derive(prf, salt, salt_size, label + 1, auth, sizeof auth) &&
                derive(prf, salt, salt_size, label + 2, keys->salt, salt_size);
    stn_cipher_free(prf);
    keys->profile = (uint8_t)profile;
    if (done && profile == STN_PROFILE_CM_SHA1_80)
        stn_hmac_sha1_key(&keys->mac, auth, sizeof auth);
    explicit_bzero(auth, sizeof auth);
    return done;
}

bool stn_srtcp_keys_derive(struct stn_srtcp_keys *keys, int profile, const uint8_t *key, const uint8_t *salt)
{
    memset(keys, 0, sizeof *keys);
    return derive_all(keys, profile, key, salt, 3);
}

bool stn_srtp_keys_derive(struct stn_srtcp_keys *keys, int profile, const uint8_t *key, const uint8_t *salt)
{
    memset(keys, 0, sizeof *keys);
    return derive_all(keys, profile, key, salt, 0);
}

/* -- RTP -------------------------------------------------------------------------------------------------- */

bool stn_srtp_sender_open(struct stn_srtp_sender *sender, int profile, const uint8_t *key, const uint8_t *salt)
{
    struct stn_srtcp_keys keys;
    memset(sender, 0, sizeof *sender);
    bool done = stn_srtp_keys_derive(&keys, profile, key, salt);
    memcpy(sender->salt, keys.salt, sizeof sender->salt);
    sender->profile = keys.profile;
    sender->mac = keys.mac;
    if (done && is_gcm(profile)) {
        done = stn_gcm_key(&sender->gcm, keys.key, key_length(profile));
    } else if (done) {
        sender->cipher = stn_cipher_new(STN_AES_128_CTR, keys.key);
        done = sender->cipher != NULL;
    }
    explicit_bzero(&keys, sizeof keys);
    return done;
}

void stn_srtp_sender_close(struct stn_srtp_sender *sender)
{
    stn_gcm_wipe(&sender->gcm);
    stn_cipher_free(sender->cipher);
    sender->cipher = NULL;
}

/* 16 zero bits, SSRC, 48-bit index; XOR salt (RFC 7714 sections 8.1 and 9.1). */
static void gcm_iv(uint8_t iv[STN_GCM_IV], const uint8_t *ssrc, uint64_t index, const uint8_t *salt)
{
    memcpy(iv, salt, STN_GCM_IV);
    for (int i = 0; i < 4; i++)
        iv[2 + i] ^= ssrc[i];
    for (int i = 0; i < 6; i++)
        iv[6 + i] ^= (uint8_t)(index >> (40 - 8 * i));
}

/* salt * 2^16 XOR SSRC * 2^64 XOR index * 2^16 (RFC 3711 section 4.1.1). */
static void ctr_iv(uint8_t iv[STN_AES_BLOCK], const uint8_t *ssrc, uint64_t index, const uint8_t *salt)
{
    memcpy(iv, salt, 14);
    iv[14] = iv[15] = 0;
    for (int i = 0; i < 4; i++)
        iv[4 + i] ^= ssrc[i];
    for (int i = 0; i < 6; i++)
        iv[8 + i] ^= (uint8_t)(index >> (40 - 8 * i));
}

size_t stn_srtp_seal(const struct stn_srtp_sender *sender, uint8_t *packet, stn_slice payload, uint64_t index)
{
    uint8_t *body = packet + STN_RTP_HEADER;
    if (is_gcm(sender->profile)) {
        uint8_t iv[STN_GCM_IV];
        gcm_iv(iv, packet + 8, index, sender->salt);
        if (!stn_gcm_seal_with(&sender->gcm, iv, (stn_slice){packet, STN_RTP_HEADER}, (stn_slice){NULL, 0}, payload,
                               body))
            return 0;
        return STN_RTP_HEADER + payload.len + STN_GCM_TAG;
    }
    uint8_t iv[STN_AES_BLOCK], tag[STN_SHA1_SIZE], rollovers[4];
    ctr_iv(iv, packet + 8, index, sender->salt);
    if (!stn_ctr(sender->cipher, iv, payload, body))
        return 0;
    stn_put32(rollovers, (uint32_t)(index >> 16)); /* authenticated, not sent (RFC 3711 section 4.2) */
    const stn_slice covered[] = {{packet, STN_RTP_HEADER + payload.len}, {rollovers, sizeof rollovers}};
    stn_hmac_sha1(&sender->mac, covered, 2, tag);
    memcpy(body + payload.len, tag, SHA1_TAG);
    return STN_RTP_HEADER + payload.len + SHA1_TAG;
}

/* -- RTCP ------------------------------------------------------------------------------------------------- */

bool stn_srtp_shared_open(struct stn_srtp_shared *shared)
{
    bool done = stn_gcm_key(&shared->gcm_128, NULL, key_length(STN_PROFILE_GCM_128));
    done = stn_gcm_key(&shared->gcm_256, NULL, key_length(STN_PROFILE_GCM_256)) && done;
    shared->ctr = stn_cipher_new(STN_AES_128_CTR, NULL);
    return done && shared->ctr != NULL;
}

void stn_srtp_shared_close(struct stn_srtp_shared *shared)
{
    stn_gcm_wipe(&shared->gcm_128);
    stn_gcm_wipe(&shared->gcm_256);
    stn_cipher_free(shared->ctr);
}

/* The shared GCM of the profile with this key in it, or NULL. */
static struct stn_gcm *keyed(struct stn_srtp_shared *shared, const struct stn_srtcp_keys *keys)
{
    struct stn_gcm *gcm = keys->profile == STN_PROFILE_GCM_128 ? &shared->gcm_128 : &shared->gcm_256;
    return stn_gcm_rekey(gcm, keys->key) ? gcm : NULL;
}

static bool crypt_rtcp_body(struct stn_srtp_shared *shared, const struct stn_srtcp_keys *keys, const uint8_t *ssrc,
                            uint32_t index, stn_slice body, uint8_t *out)
{
    uint8_t iv[STN_AES_BLOCK];
    ctr_iv(iv, ssrc, index, keys->salt);
    return stn_cipher_rekey(shared->ctr, keys->key) && stn_ctr(shared->ctr, iv, body, out);
}

size_t stn_srtcp_seal(struct stn_srtp_shared *shared, const struct stn_srtcp_keys *keys, stn_slice plain,
                      uint32_t index, uint8_t *out)
{
    uint8_t word[INDEX_WORD];
    const stn_slice body = {plain.data + RTCP_CLEAR, plain.len - RTCP_CLEAR};
    stn_put32(word, ENCRYPTED | index);
    memcpy(out, plain.data, RTCP_CLEAR);
    if (is_gcm(keys->profile)) {
        uint8_t iv[STN_GCM_IV];
        gcm_iv(iv, plain.data + 4, index, keys->salt);
        struct stn_gcm *gcm = keyed(shared, keys);
        if (gcm == NULL || !stn_gcm_seal_with(gcm, iv, (stn_slice){out, RTCP_CLEAR}, (stn_slice){word, sizeof word},
                                              body, out + RTCP_CLEAR))
            return 0;
        memcpy(out + plain.len + STN_GCM_TAG, word, sizeof word);
        return plain.len + STN_GCM_TAG + INDEX_WORD;
    }
    uint8_t tag[STN_SHA1_SIZE];
    if (!crypt_rtcp_body(shared, keys, plain.data + 4, index, body, out + RTCP_CLEAR))
        return 0;
    memcpy(out + plain.len, word, sizeof word);
    const stn_slice covered = {out, plain.len + INDEX_WORD};
    stn_hmac_sha1(&keys->mac, &covered, 1, tag);
    memcpy(out + covered.len, tag, SHA1_TAG);
    return covered.len + SHA1_TAG;
}

static bool is_fresh(const struct stn_replay *window, uint32_t index)
{
    uint32_t age = window->highest - index;
    return index > window->highest || (age < WINDOW && !(window->seen >> age & 1));
}

static void mark(struct stn_replay *window, uint32_t index)
{
    if (index > window->highest) {
        uint32_t ahead = index - window->highest;
        window->seen = ahead < WINDOW ? window->seen << ahead | 1 : 1;
        window->highest = index;
    } else {
        window->seen |= UINT64_C(1) << (window->highest - index);
    }
}

static struct stn_replay *window_of(struct stn_replays *replays, uint32_t ssrc)
{
    for (unsigned i = 0; i < replays->count; i++)
        if (replays->windows[i].ssrc == ssrc)
            return &replays->windows[i];
    return NULL;
}

static bool open_authentic(struct stn_srtp_shared *shared, const struct stn_srtcp_keys *keys, stn_slice data,
                           uint32_t index, uint8_t *out)
{
    const stn_slice clear = {data.data, RTCP_CLEAR};
    if (is_gcm(keys->profile)) {
        uint8_t iv[STN_GCM_IV];
        gcm_iv(iv, data.data + 4, index, keys->salt);
        const stn_slice word = {data.data + data.len - INDEX_WORD, INDEX_WORD};
        const stn_slice body = {data.data + RTCP_CLEAR, data.len - RTCP_CLEAR - INDEX_WORD};
        struct stn_gcm *gcm = keyed(shared, keys);
        return gcm != NULL && stn_gcm_open_with(gcm, iv, clear, word, body, out);
    }
    uint8_t tag[STN_SHA1_SIZE];
    const stn_slice covered = {data.data, data.len - SHA1_TAG};
    stn_hmac_sha1(&keys->mac, &covered, 1, tag);
    if (!stn_same_mac(tag, data.data + covered.len, SHA1_TAG))
        return false;
    const stn_slice body = {data.data + RTCP_CLEAR, covered.len - RTCP_CLEAR - INDEX_WORD};
    return crypt_rtcp_body(shared, keys, data.data + 4, index, body, out);
}

int stn_srtcp_open(struct stn_srtp_shared *shared, const struct stn_srtcp_keys *keys, struct stn_replays *replays,
                   stn_slice data, uint8_t *out)
{
    bool gcm = is_gcm(keys->profile);
    size_t tag = gcm ? STN_GCM_TAG : SHA1_TAG;
    if (data.len < RTCP_CLEAR + tag + INDEX_WORD)
        return STN_SRTP_SHORT;
    /* The HMAC tag comes last (RFC 3711 section 3.4); GCM's is part of the ciphertext (RFC 7714 section 9.2). */
    uint32_t word = stn_get32(data.data + data.len - (gcm ? 0 : SHA1_TAG) - INDEX_WORD);
    if ((data.data[0] & 0xC0) != 0x80 || !(word & ENCRYPTED))
        return STN_SRTP_MALFORMED;
    uint32_t index = word & ~ENCRYPTED, ssrc = stn_get32(data.data + 4);
    struct stn_replay *window = window_of(replays, ssrc);
    if (window == NULL && replays->count == STN_SRTP_WINDOWS)
        return STN_SRTP_MALFORMED;
    if (window != NULL && !is_fresh(window, index))
        return STN_SRTP_REPLAY;
    if (!open_authentic(shared, keys, data, index, out + RTCP_CLEAR))
        return STN_SRTP_AUTH;
    memcpy(out, data.data, RTCP_CLEAR);
    if (window == NULL) {
        window = &replays->windows[replays->count++];
        *window = (struct stn_replay){.ssrc = ssrc, .highest = index};
    }
    mark(window, index);
    return (int)(data.len - tag - INDEX_WORD);
}

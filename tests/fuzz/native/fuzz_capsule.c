/* Invariant: a text is taken only when it is, character for character, what sealing its fields with our secret gives:
 * so what we seal opens, and nothing else does. Opening says no more than peeking does. Passwords are ice-chars. */
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "stn_capsule.h"

enum { KEY_ID = 1 };

static bool is_ice_char(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

static void check_password(stn_slice ufrag, const struct stn_hmac_sha256 *secret)
{
    uint8_t password[STN_ICE_PASSWORD];
    stn_capsule_password(ufrag, secret, password);
    for (size_t i = 0; i < sizeof password; i++)
        INVARIANT(is_ice_char(password[i]));
}

static void check_text(struct input input, const struct stn_hmac_sha256 *secret)
{
    struct stn_capsule opened, peeked;
    size_t size;
    uint8_t *text = take_bytes(&input, STN_CAPSULE_CHARS + 20, &size);
    const stn_slice ufrag = {text, size};
    if (stn_capsule_open(ufrag, secret, KEY_ID, &opened) == STN_CAPSULE_OK) {
        char sealed[STN_CAPSULE_CHARS];
        harness_seal_capsule(&opened, sealed);
        INVARIANT(size == sizeof sealed && memcmp(text, sealed, sizeof sealed) == 0);
    }
    if (stn_capsule_peek(ufrag, &peeked) == STN_CAPSULE_OK)
        INVARIANT(size == STN_CAPSULE_CHARS);
    check_password(ufrag, secret);
    free(text);
}

static void check_sealed(struct input input, const struct stn_hmac_sha256 *secret)
{
    struct stn_capsule made = {0}, opened = {0}, peeked = {0};
    uint8_t text[STN_CAPSULE_CHARS];
    size_t at = take8(&input) % STN_CAPSULE_CHARS;
    uint8_t flip = take8(&input);
    made.kind = take8(&input);
    made.key_id = take8(&input) & 1;
    made.shard = take32(&input);
    for (int i = 0; i < 8; i++)
        made.session[i] = take8(&input);
    made.generation = take8(&input);
    made.red_pt = take8(&input);
    made.expires_at_ms = (uint64_t)take32(&input) << 32 | take32(&input);
    harness_seal_capsule(&made, (char *)text);
    const stn_slice ufrag = {text, sizeof text};
    enum stn_capsule_verdict verdict = stn_capsule_open(ufrag, secret, KEY_ID, &opened);
    INVARIANT((verdict == STN_CAPSULE_OK) == (made.key_id == KEY_ID && made.kind < 3));
    INVARIANT(stn_capsule_peek(ufrag, &peeked) == STN_CAPSULE_OK);
    if (verdict == STN_CAPSULE_OK)
        INVARIANT(memcmp(&opened, &peeked, sizeof opened) == 0 && memcmp(&opened, &made, sizeof made) == 0);
    stn_capsule_expired(&peeked, (int64_t)take32(&input) << 20);
    text[at] ^= flip;
    if (flip != 0)
        INVARIANT(stn_capsule_open(ufrag, secret, KEY_ID, &opened) != STN_CAPSULE_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stn_hmac_sha256 secret;
    harness_open();
    stn_hmac_sha256_key(&secret, harness_secret, sizeof harness_secret);
    check_text((struct input){data, size}, &secret);
    check_sealed((struct input){data, size}, &secret);
    return 0;
}

/* Invariant: whatever the bytes, the parser stays within them, its verdict does not depend on what it was given
 * before, and all it points at lies inside the message. A message that proves our password has been made with it,
 * and the answer to it is one that the parser takes, verifies, and that is no longer than 76 bytes. */
#include <string.h>

#include "harness.h"
#include "stn_stun.h"

static const char password[] = "VOkJxbRl1RmTxUk/WvJxBt"; /* of RFC 5769 */

static void check_message(const struct stn_stun *message, const uint8_t *data, size_t size)
{
    INVARIANT(message->raw == data && message->size == size);
    INVARIANT(message->transaction == data + 8);
    INVARIANT(message->attributes <= STN_STUN_ATTRIBUTES);
    INVARIANT(message->integrity_at == 0 || message->integrity_at + 24 <= size);
    stn_slice ufrag = stn_stun_ufrag(message);
    if (message->username == NULL) {
        INVARIANT(ufrag.len == 0);
        return;
    }
    INVARIANT(message->username >= data && message->username + message->username_size <= data + size);
    INVARIANT(ufrag.len <= message->username_size);
    INVARIANT(ufrag.len == 0 || memchr(ufrag.data, ':', ufrag.len) == NULL);
}

static void check_answer(const struct stn_stun *request, const struct stn_hmac_sha1 *key, struct input input)
{
    uint8_t answer[STN_STUN_MAX_ANSWER];
    struct stn_address mapped = {.port = take16(&input)};
    for (int i = 0; i < 16; i++)
        mapped.ip[i] = take8(&input);
    size_t size = stn_stun_success(answer, request->transaction, &mapped, key);
    struct stn_stun parsed;
    INVARIANT(size <= sizeof answer);
    INVARIANT(stn_stun_parse(answer, size, &parsed));
    INVARIANT(parsed.kind == STN_STUN_SUCCESS && parsed.method == STN_STUN_BINDING && parsed.has_fingerprint);
    INVARIANT(memcmp(parsed.transaction, request->transaction, 12) == 0);
    INVARIANT(stn_stun_check_integrity(&parsed, key));
}

static void try_one(const uint8_t *data, size_t size)
{
    struct stn_hmac_sha1 key;
    struct stn_stun message, again;
    memset(&again, 0xA5, sizeof again);
    bool taken = stn_stun_parse(data, size, &message);
    INVARIANT(stn_stun_parse(data, size, &again) == taken);
    if (!taken)
        return;
    INVARIANT(memcmp(&message.kind, &again.kind, sizeof message.kind) == 0 && message.username == again.username);
    check_message(&message, data, size);
    stn_hmac_sha1_key(&key, (const uint8_t *)password, sizeof password - 1);
    if (stn_stun_check_integrity(&message, &key))
        INVARIANT(message.integrity_at != 0);
    check_answer(&message, &key, (struct input){data, size});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t repaired[2200];
    harness_open();
    try_one(data, size);
    if (size < 20 || size > 2100)
        return 0;
    memcpy(repaired, data, size);
    try_one(repaired, harness_finish_stun(repaired, size, sizeof repaired));
    return 0;
}

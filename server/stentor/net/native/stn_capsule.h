/* The signed capsule that every peer brings as our ICE ufrag: core/webrtc/capsule.py in C. */
#ifndef STN_CAPSULE_H
#define STN_CAPSULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stn_crypto.h"

#define STN_CAPSULE_VERSION 1
#define STN_CAPSULE_CHARS 100 /* base64 of 75 bytes, all ice-chars */
#define STN_CAPSULE_NO_RED 255
#define STN_CAPSULE_IDENTITY 33 /* kind 1 | event 8 | ticket 8 | fingerprint digest 16 */
#define STN_ICE_PASSWORD 32 /* ice-chars, 192 bits */

struct stn_capsule {
    uint32_t shard;
    uint8_t key_id;
    uint8_t kind; /* 0 listener, 1 publisher, 2 publisher that is DTLS server */
    uint8_t session[8];
    uint8_t ticket[8];
    uint8_t event[8];
    uint8_t generation;
    uint8_t opus_pt;
    uint8_t returning; /* 1: had a seat minutes ago, on whichever shard */
    uint8_t red_pt; /* STN_CAPSULE_NO_RED: none */
    uint8_t maxptime;
    uint8_t fingerprint_digest[16];
    uint64_t expires_at_ms; /* of the shard's own clock */
};

enum stn_capsule_verdict {
    STN_CAPSULE_OK,
    STN_CAPSULE_FORMAT,
    STN_CAPSULE_VERSION_UNKNOWN,
    STN_CAPSULE_KEY, /* sealed by a former life of the shard */
    STN_CAPSULE_MAC,
};

/* Verify a ufrag and read it; `capsule` is filled only with STN_CAPSULE_OK. Does not look at the expiry (known
 * sessions outlive it), nor at the shard. The MAC is compared in constant time. */
enum stn_capsule_verdict stn_capsule_open(stn_slice ufrag, const struct stn_hmac_sha256 *secret, uint8_t key_id,
                                          struct stn_capsule *capsule);

/* Shard, key id and session that a capsule names, unverified: for routing, never for trusting. `capsule` is
 * filled as a whole with STN_CAPSULE_OK; only the MAC and the kind remain unchecked. */
enum stn_capsule_verdict stn_capsule_peek(stn_slice ufrag, struct stn_capsule *capsule);

/* Whether it may no longer open a session; `now` in nanoseconds of the shard's clock. */
bool stn_capsule_expired(const struct stn_capsule *capsule, int64_t now);

/* What an ICE restart cannot change: seats, rows and the handshake were made for it. */
void stn_capsule_identity(const struct stn_capsule *capsule, uint8_t identity[STN_CAPSULE_IDENTITY]);

/* Our ICE password for a ufrag, which only gateways and the shard can compute. */
void stn_capsule_password(stn_slice ufrag, const struct stn_hmac_sha256 *secret, uint8_t password[STN_ICE_PASSWORD]);

#endif

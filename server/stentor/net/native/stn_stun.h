/* STUN Binding requests of ICE: parsed in place, answered in one pass. core/webrtc/stun.py in C (RFC 8489). */
#ifndef STN_STUN_H
#define STN_STUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stn_address.h"
#include "stn_crypto.h"

#define STN_STUN_BINDING 0x001
#define STN_STUN_ATTRIBUTES 32 /* Chromium sends 9; one datagram must not cost 370 turns of a loop */
#define STN_STUN_MAX_ANSWER 76 /* bytes: header 20, XOR-MAPPED-ADDRESS 24, integrity 24, fingerprint 8 */

enum stn_stun_class { STN_STUN_REQUEST, STN_STUN_INDICATION, STN_STUN_SUCCESS, STN_STUN_ERROR };

/* A well-formed message. Nothing in it is proven until `stn_stun_check_integrity` says so. Pointers point into
 * the datagram. Of the attributes only those before MESSAGE-INTEGRITY count: what follows is not covered. */
struct stn_stun {
    const uint8_t *raw;
    size_t size;
    enum stn_stun_class kind;
    uint16_t method;
    const uint8_t *transaction; /* 12 bytes */
    const uint8_t *username;    /* the first USERNAME, NULL when absent or not UTF-8 */
    size_t username_size;
    bool use_candidate;
    bool has_fingerprint; /* it was right, then */
    size_t integrity_at;  /* offset of MESSAGE-INTEGRITY, 0 without one */
    unsigned attributes;  /* how many before MESSAGE-INTEGRITY and FINGERPRINT */
};

/* Whether `data` is exactly one STUN message; fills `message` only then. FINGERPRINT is verified when present
 * and must come last; MESSAGE-INTEGRITY is not verified here. */
bool stn_stun_parse(const uint8_t *data, size_t size, struct stn_stun *message);

/* The part of USERNAME before the first colon: our ufrag in a request to us. Empty without one. */
stn_slice stn_stun_ufrag(const struct stn_stun *message);

/* Whether MESSAGE-INTEGRITY is there and right for a short-term password (section 14.5). */
bool stn_stun_check_integrity(const struct stn_stun *message, const struct stn_hmac_sha1 *password);

/* The success answer to a verified request: XOR-MAPPED-ADDRESS, integrity, fingerprint. Returns its size. */
size_t stn_stun_success(uint8_t out[STN_STUN_MAX_ANSWER], const uint8_t transaction[12],
                        const struct stn_address *mapped, const struct stn_hmac_sha1 *password);

#endif

/* Addresses of one connected session as an ICE-lite agent sees them: core/webrtc/ice_lite.py in C.
 *
 * Same rules, same numbers: up to four verified pairs, a transaction id counts once, a nominated address
 * moves only to where authenticated traffic confirms it, consent ends after 30 s (RFC 8445, RFC 7675).
 * Times are nanoseconds of CLOCK_MONOTONIC.
 */
#ifndef STN_ICE_H
#define STN_ICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stn_address.h"
#include "stn_capsule.h"
#include "stn_crypto.h"

#define STN_MS INT64_C(1000000)
#define STN_SECOND INT64_C(1000000000)
#define STN_NEVER INT64_MAX

#define STN_ICE_PAIRS 4                             /* dual stack, and one Wi-Fi to mobile change */
#define STN_ICE_SEEN_BITS 4096                      /* of the transactions of a session */
#define STN_ICE_SEEN (STN_ICE_SEEN_BITS / 8)        /* bytes */
#define STN_ICE_TRANSACTION 12                      /* bytes (RFC 8489 section 5) */
#define STN_ICE_CONSENT_TIMEOUT (30 * STN_SECOND)   /* RFC 7675 section 5.1 */
#define STN_ICE_FRESH (6 * STN_SECOND)              /* two checks of a browser and a lost one */
#define STN_ICE_MOVE_CONFIRMATION (10 * STN_SECOND) /* for authenticated traffic from a new address */
#define STN_ICE_MOVE_BAN (60 * STN_SECOND)          /* without moves after one nobody confirmed */

struct stn_pair {
    struct stn_address address;
    struct stn_source source; /* the local address it reached */
    int64_t heard_at; /* when a fresh request or authenticated traffic last came from there */
    bool used;
    bool proven;
};

/* The credentials of one ICE generation: our ufrag, and the password it gives as a key taken in. */
struct stn_login {
    struct stn_hmac_sha1 password;
    uint8_t ufrag[STN_CAPSULE_CHARS]; /* a verified capsule */
    uint8_t generation;
    bool used;
};

struct stn_ice {
    struct stn_pair pairs[STN_ICE_PAIRS];
    uint8_t order[STN_ICE_PAIRS]; /* used pairs, the one kept longest first */
    uint8_t count;
    int8_t nominated;      /* index of a pair, -1 before there is one */
    int8_t pinned;         /* the pair of the handshake, which never makes room for another; or -1 */
    int8_t previous;       /* where an unconfirmed move goes back to, -1 without one */
    int64_t move_deadline; /* when an unconfirmed move is undone, STN_NEVER without one */
    int64_t banned_until;
    int64_t consent_at;
    struct stn_login login;   /* the newest */
    struct stn_login *before; /* of the generation before it, if there was one: a restart is not one moment */
    /* Which transaction ids the session may have used (docs/decisions/0010): bit n is bit n % 8 of byte n / 8. None
     * is ever cleared: a request captured long ago would count as new and could move the media. */
    uint8_t seen[STN_ICE_SEEN];
};

void stn_ice_init(struct stn_ice *ice, int64_t now);

/* Give back what it holds beside itself. */
void stn_ice_close(struct stn_ice *ice);

/* Enter a pair that was verified before the session was seated: its index, or that of the pair it is already.
 * -1 when there are four others. The caller sets `nominated`, and `pinned` for the pair of the handshake. */
int stn_ice_know(struct stn_ice *ice, const struct stn_address *address, const struct stn_source *source, bool proven,
                 int64_t now);

/* These credentials are the newest from now on; those before them stay good for one generation more. */
void stn_ice_adopt(struct stn_ice *ice, const struct stn_login *login);

/* Whether the transaction may have been seen before, from whatever address: surely if it was. */
bool stn_ice_is_replay(const struct stn_ice *ice, const uint8_t *transaction);

/* Index of the pair with this address, -1 without one. */
int stn_ice_find(const struct stn_ice *ice, const struct stn_address *address);

/* Note a request of checked integrity; its pair, or -1 for a replay from elsewhere. When a pair had to make
 * room, `*evicted` is set and its address is in `gone`. */
int stn_ice_verified(struct stn_ice *ice, const uint8_t *transaction, const struct stn_address *address,
                     const struct stn_source *source, int64_t now, bool *evicted, struct stn_address *gone);

/* USE-CANDIDATE of a fresh transaction came on `pair`; true when it is the nominated one from now on. */
bool stn_ice_nominate(struct stn_ice *ice, int pair, bool connected, int64_t now);

/* Where media goes (peer.py, media_pair): the nominated pair once it is proven or moved to, else the pair of the
 * handshake. -1 without a pair. */
int stn_ice_media_pair(const struct stn_ice *ice);

/* Authenticated traffic came from `address`: the return path is proven, and where media goes it is consent. */
void stn_ice_authenticated(struct stn_ice *ice, const struct stn_address *address, int64_t now);

/* Undo a move nobody confirmed in time; the pair nominated before, or -1. */
int stn_ice_settle(struct stn_ice *ice, int64_t now);

/* Whether its owner was heard there within the last few checks. */
bool stn_pair_is_fresh(const struct stn_pair *pair, int64_t now);

/* Do not let consent run out before `until`: requests may have been lost on our side. */
void stn_ice_hold_consent(struct stn_ice *ice, int64_t until);

int64_t stn_ice_consent_deadline(const struct stn_ice *ice);

/* When `stn_ice_settle` or the consent check has something to do. */
int64_t stn_ice_next_timeout(const struct stn_ice *ice);

#endif

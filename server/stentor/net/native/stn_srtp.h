/* SRTP and SRTCP of one listener (RFC 3711, RFC 7714): core/webrtc/srtp.py in C, for profiles 1, 7 and 8.
 *
 * RTP is only sent: each row keeps its own key (with EVP, and for profile 1, a keyed cipher). RTCP is rare: its keys
 * are bytes in the row, and `struct stn_srtp_shared` holds the few ciphers that are keyed anew for each packet.
 */
#ifndef STN_SRTP_H
#define STN_SRTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stn_crypto.h"
#include "stn_gcm.h"

#define STN_PROFILE_CM_SHA1_80 1 /* RFC 5764 section 4.1.2 */
#define STN_PROFILE_GCM_128 7    /* RFC 7714 section 14.2 */
#define STN_PROFILE_GCM_256 8

#define STN_SRTP_MAX_KEY 32
#define STN_SRTP_MAX_SALT 14
#define STN_RTP_HEADER 12
#define STN_RTP_OVERHEAD 16  /* bytes a protected RTP packet is longer, at most */
#define STN_RTCP_OVERHEAD 20 /* tag and index word of an SRTCP packet, at most */
#define STN_SRTP_WINDOWS 4   /* RTCP senders remembered per listener: a browser has one */

enum stn_srtp_error { STN_SRTP_SHORT = -1, STN_SRTP_MALFORMED = -2, STN_SRTP_REPLAY = -3, STN_SRTP_AUTH = -4 };

/* The ciphers one thread keys anew for each SRTCP packet. */
struct stn_srtp_shared {
    struct stn_gcm gcm_128;
    struct stn_gcm gcm_256;
    stn_cipher *ctr;
};

bool stn_srtp_shared_open(struct stn_srtp_shared *shared);
void stn_srtp_shared_close(struct stn_srtp_shared *shared);

/* Sends RTP of one row. */
struct stn_srtp_sender {
    struct stn_gcm gcm;  /* profiles 7 and 8 */
    stn_cipher *cipher;  /* profile 1 */
    uint8_t salt[STN_SRTP_MAX_SALT];
    uint8_t profile;
    uint8_t unused;
    struct stn_hmac_sha1 mac; /* profile 1 alone */
};

/* `key` and `salt` are the master key and salt in the lengths of the profile. False: no such profile, no memory. */
bool stn_srtp_sender_open(struct stn_srtp_sender *sender, int profile, const uint8_t *key, const uint8_t *salt);
void stn_srtp_sender_close(struct stn_srtp_sender *sender);

/* Protect header (in place at the start of `packet`, 12 bytes) and payload; `packet` has room for
 * 12 + payload.len + STN_RTP_OVERHEAD. `index` is the 48-bit packet index and must never repeat for a key.
 * The length of the packet, or 0 when OpenSSL failed. */
size_t stn_srtp_seal(const struct stn_srtp_sender *sender, uint8_t *packet, stn_slice payload, uint64_t index);

/* Keys of one direction's RTCP. */
struct stn_srtcp_keys {
    uint8_t key[STN_SRTP_MAX_KEY];
    uint8_t salt[STN_SRTP_MAX_SALT];
    uint8_t profile;
    uint8_t unused;
    struct stn_hmac_sha1 mac; /* profile 1 alone */
};

/* The same of its RTP, for a receiver. */
bool stn_srtp_keys_derive(struct stn_srtcp_keys *keys, int profile, const uint8_t *key, const uint8_t *salt);

bool stn_srtcp_keys_derive(struct stn_srtcp_keys *keys, int profile, const uint8_t *key, const uint8_t *salt);

/* Protect a plain compound packet of 8 bytes or more; `out` has room for plain.len + STN_RTCP_OVERHEAD. */
size_t stn_srtcp_seal(struct stn_srtp_shared *shared, const struct stn_srtcp_keys *keys, stn_slice plain,
                      uint32_t index, uint8_t *out);

/* Which SRTCP indices of a sender were seen. */
struct stn_replay {
    uint32_t ssrc;
    uint32_t highest;
    uint64_t seen; /* bit n: highest - n */
};

struct stn_replays {
    struct stn_replay windows[STN_SRTP_WINDOWS];
    uint8_t count;
};

/* Open a protected compound packet into `out` (room for data.len). Its plain length, or one of
 * `enum stn_srtp_error`; nothing is remembered of a packet that was refused. */
int stn_srtcp_open(struct stn_srtp_shared *shared, const struct stn_srtcp_keys *keys, struct stn_replays *replays,
                   stn_slice data, uint8_t *out);

#endif

/* Why a received datagram was not acted on. The words are those of core/webrtc/peer_table.py where it has one. */
#ifndef STN_DROPS_H
#define STN_DROPS_H

#define STN_DROPS(X)                                        \
    X(STN_DROP_MALFORMED_STUN, "malformed stun")            \
    X(STN_DROP_NOT_A_CHECK, "not a connectivity check")     \
    X(STN_DROP_INTEGRITY, "integrity")                      \
    X(STN_DROP_CAPSULE_FORMAT, "capsule format")            \
    X(STN_DROP_CAPSULE_VERSION, "capsule version")          \
    X(STN_DROP_CAPSULE_KEY, "capsule key")                  \
    X(STN_DROP_CAPSULE_MAC, "capsule mac")                  \
    X(STN_DROP_CAPSULE_SHARD, "capsule of another shard")   \
    X(STN_DROP_CAPSULE_EXPIRED, "capsule expired")          \
    X(STN_DROP_OLD_GENERATION, "old ice generation")        \
    X(STN_DROP_OTHER_RESTART, "another session's restart")  \
    X(STN_DROP_CONTACT_RATE, "first contact rate")          \
    X(STN_DROP_CONTACT_PREFIX, "first contacts of prefix")  \
    X(STN_DROP_CONTACT_SESSION, "first contacts of session") \
    X(STN_DROP_ADDRESS_OF_ANOTHER, "address of another")    \
    X(STN_DROP_REPLAYED_BINDING, "replayed binding")        \
    X(STN_DROP_ADDRESS_RATE, "too many from one address")   \
    X(STN_DROP_UNKNOWN_ADDRESS, "unknown address")          \
    X(STN_DROP_SRTP, "srtp")                                \
    X(STN_DROP_RTCP, "malformed rtcp")                      \
    X(STN_DROP_RTP, "rtp from a listener")                  \
    X(STN_DROP_NOT_OURS, "not ours")                        \
    X(STN_DROP_TOO_LONG, "too long")                        \
    X(STN_DROP_RING_FULL, "ring full")                      \
    X(STN_DROP_ANSWER, "answer not sent")                   \
    X(STN_DROP_RECEIVE_QUEUE, "receive queue")              \
    X(STN_DROP_TRUNK_NOT_OURS, "trunk not ours")            \
    X(STN_DROP_TRUNK_STREAM, "trunk unknown stream")        \
    X(STN_DROP_TRUNK_SRTP, "trunk srtp")                    \
    X(STN_DROP_TRUNK_REPLAY, "trunk replay")                \
    X(STN_DROP_TRUNK_MALFORMED, "trunk malformed")          \
    X(STN_DROP_TRUNK_RING_FULL, "trunk ring full")          \
    X(STN_DROP_TRUNK_QUEUE, "trunk receive queue")

enum stn_drop {
#define STN_DROP_MEMBER(name, words) name,
    STN_DROPS(STN_DROP_MEMBER)
#undef STN_DROP_MEMBER
        STN_DROP_COUNT
};

/* The words for a reason, for Python's counters; "" beyond the last. */
const char *stn_drop_name(int reason);

#endif

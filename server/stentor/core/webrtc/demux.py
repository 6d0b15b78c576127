"""Which protocol a datagram on the shared port belongs to (RFC 7983 section 7, RFC 5761 section 4)."""

from __future__ import annotations

from enum import Enum


class Kind(Enum):
    """What a datagram claims to be by its first two bytes."""

    STUN = "stun"
    DTLS = "dtls"
    RTP = "rtp"
    RTCP = "rtcp"
    UNKNOWN = "unknown"


def _by_first_byte(first: int) -> Kind:
    if first <= 3:
        return Kind.STUN
    if 20 <= first <= 63:
        return Kind.DTLS
    if 128 <= first <= 191:
        return Kind.RTP
    return Kind.UNKNOWN  # ZRTP, TURN channels and numbers nobody uses


_KINDS = tuple(_by_first_byte(first) for first in range(256))


def classify(data: bytes) -> Kind:
    """The protocol of one datagram. Says nothing about whether it is well formed."""
    if not data:
        return Kind.UNKNOWN
    kind = _KINDS[data[0]]
    # Marker bit and payload types 64 to 95 are never used together with RTCP on one port, so
    # 192 to 223 in the second byte is an RTCP packet type (RFC 5761 section 4).
    if kind is Kind.RTP:
        if len(data) < 2:
            return Kind.UNKNOWN
        if 192 <= data[1] <= 223:
            return Kind.RTCP
    return kind

"""The signed capsule: everything a shard must know of a peer, carried by the peer itself as our ICE ufrag.

A gateway seals one into every answer; the first STUN Binding request brings it to the shard in USERNAME.
So a join needs no message between the two, and the shard holds no state for anybody who has not come.

Layout (big-endian, 75 bytes, 100 characters of base64 without padding, all of them ice-chars):

    version 1 | key id 1 | shard 4 | kind 1 | session 8 | ticket 8 | event 8 | generation 1 |
    returning 1 bit, opus pt 7 bits | red pt 1 (255: none) | maxptime 1 | fingerprint digest 16 |
    expires at, ms 8 | MAC 16

100 characters also leave room in the 127 that FFmpeg's `whip` muxer has for `our ufrag:its ufrag`, of which
its own part is 9. 75 is a multiple of three, so every text of 100 ice-chars is the only spelling of its
bytes: no character can be changed without changing what the MAC covers.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, NamedTuple

from stentor.core.errors import LocalError, RemoteError

VERSION = 1
CAPSULE_CHARS = 100
FINGERPRINT_DIGEST_BYTES = 16
CAPSULE_LIFETIME = 5.0  # seconds of the shard's clock until the first Binding request must be there

_BODY = struct.Struct("!BBIB8s8s8sBBBB16sQ")
_MAC_BYTES = 16  # 128 bits: a forger sends 2^128 datagrams; half of HMAC-SHA256 as RFC 2104 section 5 allows
_NO_RED = 255  # payload types end at 127
_RETURNING = 0x80  # in the byte of Opus's payload type, which has seven bits (RFC 3550 section 5.1)
_MAC_LABEL = b"stentor capsule\0"
_PASSWORD_LABEL = b"stentor ice password\0"
_FINGERPRINT_LABEL = b"stentor fingerprint\0"

CapsuleReason = Literal["format", "version", "key", "mac", "expired"]


class CapsuleError(RemoteError):
    """The ufrag is not a capsule that this shard, in this life, gave out."""

    status = 404

    def __init__(self, reason: CapsuleReason, detail: str) -> None:
        super().__init__(detail)
        self.reason: CapsuleReason = reason


class PeerKind(IntEnum):
    """What the peer is, which also says who is the DTLS server."""

    LISTENER = 0
    """Receives the program. We are the DTLS server."""
    PUBLISHER = 1
    """Sends to us. We are the DTLS server."""
    PUBLISHER_PASSIVE = 2
    """Sends to us and offered `setup:passive`: it is the DTLS server and we connect."""


@dataclass(frozen=True, slots=True)
class Capsule:
    """What a gateway promised a peer and the shard must keep."""

    shard: int
    """Number of the shard, 32 bits."""
    key_id: int
    """Which secret sealed it, 0 to 255."""
    kind: PeerKind
    """Listener or publisher."""
    session: bytes
    """8 random bytes, the session's name."""
    ticket: bytes
    """8 bytes: one seat per ticket."""
    event: bytes
    """8 bytes of `ids.event_key`."""
    generation: int
    """ICE generation, 0 to 255: grows with every ICE restart."""
    opus_pt: int
    """Payload type of Opus in the offer."""
    red_pt: int | None
    """Payload type of RED, or None when the offer had none."""
    maxptime: int
    """The longest packet the client takes, ms, 20 to 120."""
    fingerprint_digest: bytes
    """16 bytes: `fingerprint_digest` of the client's certificate fingerprint."""
    expires_at: float
    """Seconds of the shard's own clock; milliseconds on the wire."""
    returning: bool = False
    """Whether the gateway saw a resume token: this listener had a seat minutes ago, on whichever shard."""

    def is_expired(self, now: float) -> bool:
        """Whether the capsule may no longer open a new session. `now` is the shard's clock."""
        return now >= self.expires_at


def seal_capsule(capsule: Capsule, secret: bytes) -> str:
    """The capsule as an ICE ufrag of 100 characters. LocalError when a field does not fit its width."""
    sizes = (len(capsule.session), len(capsule.ticket), len(capsule.event), len(capsule.fingerprint_digest))
    if sizes != (8, 8, 8, FINGERPRINT_DIGEST_BYTES):
        raise LocalError(f"capsule: byte fields have the lengths {sizes}, not (8, 8, 8, 16)")
    payload_types = (capsule.opus_pt, 0 if capsule.red_pt is None else capsule.red_pt)
    if not all(0 <= payload_type <= 127 for payload_type in payload_types):
        raise LocalError(f"capsule: payload types {payload_types} are not all between 0 and 127")
    try:
        body = _BODY.pack(
            VERSION,
            capsule.key_id,
            capsule.shard,
            capsule.kind,
            capsule.session,
            capsule.ticket,
            capsule.event,
            capsule.generation,
            capsule.opus_pt | (_RETURNING if capsule.returning else 0),
            _NO_RED if capsule.red_pt is None else capsule.red_pt,
            capsule.maxptime,
            capsule.fingerprint_digest,
            round(capsule.expires_at * 1000),
        )
    except (struct.error, ValueError, OverflowError) as error:
        raise LocalError(f"capsule: a field is out of range: {error}") from error
    return binascii.b2a_base64(body + _mac(body, secret), newline=False).decode("ascii")


def open_capsule(ufrag: str, secret: bytes, *, key_id: int) -> Capsule:
    """Verify a ufrag and give back what it says.

    Does not look at the expiry (known sessions outlive it): the caller asks `is_expired`. Nor at the shard.
    CapsuleError with reason `format`, `version`, `key` (sealed by a former life) or `mac`.
    """
    data = _decode(ufrag)
    body, mac = data[: _BODY.size], data[_BODY.size :]
    fields = _BODY.unpack(body)
    if fields[1] != key_id:
        raise CapsuleError("key", f"capsule was sealed with key {fields[1]}, {key_id} is in force")
    if not hmac.compare_digest(mac, _mac(body, secret)):
        raise CapsuleError("mac", "capsule is forged")
    try:
        kind = PeerKind(fields[3])
    except ValueError:
        raise CapsuleError("format", f"capsule has the unknown kind {fields[3]}") from None
    return Capsule(
        shard=fields[2],
        key_id=fields[1],
        kind=kind,
        session=fields[4],
        ticket=fields[5],
        event=fields[6],
        generation=fields[7],
        opus_pt=fields[8] & ~_RETURNING,
        red_pt=None if fields[9] == _NO_RED else fields[9],
        maxptime=fields[10],
        fingerprint_digest=fields[11],
        expires_at=fields[12] / 1000,
        returning=bool(fields[8] & _RETURNING),
    )


def peek_shard(ufrag: str) -> int:
    """The shard a capsule names, unverified: good for routing a datagram, never for trusting it."""
    shard: int = _BODY.unpack_from(_decode(ufrag))[2]
    return shard


class PeekedCapsule(NamedTuple):
    """Some of a capsule, unverified."""

    session: bytes
    ticket: bytes
    event: bytes
    returning: bool


def peek_capsule(ufrag: str) -> PeekedCapsule:
    """Whose a capsule says it is, unverified, for whoever knows that it was verified. Raises CapsuleError."""
    fields = _BODY.unpack_from(_decode(ufrag))
    return PeekedCapsule(fields[4], fields[5], fields[6], bool(fields[8] & _RETURNING))


def ice_password(ufrag: str, secret: bytes) -> str:
    """Our ICE password for a ufrag: 32 ice-chars (192 bits) only gateways and the shard can compute."""
    digest = hmac.digest(secret, _PASSWORD_LABEL + ufrag.encode("utf-8", "surrogatepass"), "sha256")
    return binascii.b2a_base64(digest[:24], newline=False).decode("ascii")


def fingerprint_digest(fingerprint: bytes) -> bytes:
    """16 bytes that stand for a sha-256 certificate fingerprint (32 bytes) inside a capsule.

    Still 128 bits of second-preimage resistance, which is what the certificate check rests on (RFC 8122).
    """
    return hashlib.sha256(_FINGERPRINT_LABEL + fingerprint).digest()[:FINGERPRINT_DIGEST_BYTES]


def _mac(body: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, _MAC_LABEL + body, "sha256")[:_MAC_BYTES]


def _decode(ufrag: str) -> bytes:
    if len(ufrag) != CAPSULE_CHARS:
        raise CapsuleError("format", f"capsule has {len(ufrag)} characters, not {CAPSULE_CHARS}")
    try:
        data = binascii.a2b_base64(ufrag, strict_mode=True)
    except ValueError:  # binascii.Error is one, and text that is not ASCII raises a plain one
        raise CapsuleError("format", "capsule has characters that are not ice-chars") from None
    if len(data) != _BODY.size + _MAC_BYTES:  # padding
        raise CapsuleError("format", f"capsule has {len(data)} bytes")
    if data[0] != VERSION:
        raise CapsuleError("version", f"capsule has version {data[0]}, not {VERSION}")
    return data

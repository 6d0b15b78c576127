"""Session URLs: unguessable, and all any gateway needs to act on a session it has never heard of.

A token is base64url without padding of

    version 1 | kind 1 | shard 4 | session 8 | ticket 8 | opus pt 1 | red pt 1 (255: none) | maxptime 1 |
    fingerprint digest 16 | mid, 0 to 64 bytes | MAC 16

The MAC covers the event and whether it is WHIP or WHEP too. Nothing in it is secret; the MAC makes it a
capability: whoever has the URL may restart or end the session.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import struct
from dataclasses import dataclass

from stentor.core.errors import LocalError, RemoteError
from stentor.core.ids import event_key
from stentor.core.webrtc.capsule import PeerKind
from stentor.core.webrtc.sdp import Role

VERSION = 1
MAX_MID = 64  # bytes, as `core.webrtc.sdp` allows

_FIXED = struct.Struct("!BBI8s8sBBB16s")
_MAC_BYTES = 16
_MAX_TOKEN = 200  # characters: more cannot be one, so it is not even decoded
_NO_RED = 255
_LABEL = b"stentor session url\0"
_KINDS: dict[Role, frozenset[PeerKind]] = {
    "whep": frozenset({PeerKind.LISTENER}),
    "whip": frozenset({PeerKind.PUBLISHER, PeerKind.PUBLISHER_PASSIVE}),
}


class SessionUrlError(RemoteError):
    """Not a session URL that this cluster gave out for this event."""

    status = 404


@dataclass(frozen=True, slots=True)
class SessionRef:
    """What a session URL says: which session on which shard, and what its next capsule needs."""

    shard: int
    """Number of the shard."""
    kind: PeerKind
    """Listener or publisher."""
    session: bytes
    """8 bytes."""
    ticket: bytes
    """8 bytes."""
    opus_pt: int
    """Payload type of Opus."""
    red_pt: int | None
    """Payload type of RED, or None."""
    maxptime: int
    """Milliseconds."""
    fingerprint_digest: bytes
    """16 bytes, see `capsule.fingerprint_digest`."""
    mid: str
    """Name of the m-line, may be empty."""


def seal_session(ref: SessionRef, *, role: Role, event_id: str, secret: bytes) -> str:
    """The last part of a session URL. LocalError when a field does not fit."""
    mid = ref.mid.encode("ascii", "replace")
    if len(mid) > MAX_MID or ref.kind not in _KINDS[role]:
        raise LocalError("session URL: the mid is too long, or the kind does not fit the role")
    red_pt = _NO_RED if ref.red_pt is None else ref.red_pt
    fixed = _FIXED.pack(
        VERSION,
        ref.kind,
        ref.shard,
        ref.session,
        ref.ticket,
        ref.opus_pt,
        red_pt,
        ref.maxptime,
        ref.fingerprint_digest,
    )
    body = fixed + mid
    return _encode(body + _mac(body, role, event_id, secret))


def open_session(token: str, *, role: Role, event_id: str, secret: bytes) -> SessionRef:
    """Verify the last part of a session URL. SessionUrlError for anything `seal_session` did not make."""
    data = _decode(token)
    body, mac = data[:-_MAC_BYTES], data[-_MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(body, role, event_id, secret)):
        raise SessionUrlError("not a session URL of ours")
    version, kind, shard, session, ticket, opus_pt, red_pt, maxptime, digest = _FIXED.unpack_from(body)
    if version != VERSION:
        raise SessionUrlError("a session URL of another version")
    return SessionRef(
        shard=shard,
        kind=PeerKind(kind),
        session=session,
        ticket=ticket,
        opus_pt=opus_pt,
        red_pt=None if red_pt == _NO_RED else red_pt,
        maxptime=maxptime,
        fingerprint_digest=digest,
        mid=body[_FIXED.size :].decode("ascii"),
    )


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(token: str) -> bytes:
    if len(token) > _MAX_TOKEN or not token.isascii():
        raise SessionUrlError("not a session token")
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise SessionUrlError("not a session token") from None
    if len(data) < _FIXED.size + _MAC_BYTES or _encode(data) != token:  # one spelling only
        raise SessionUrlError("not a session token")
    return data


def _mac(body: bytes, role: Role, event_id: str, secret: bytes) -> bytes:
    # event_key has a fixed width, so no two inputs share these bytes
    return hmac.digest(secret, _LABEL + role.encode() + event_key(event_id) + body, "sha256")[:_MAC_BYTES]

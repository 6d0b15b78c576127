"""A signed datagram between two nodes: who says it, in which order, and proof that it is one of us.

Layout (big-endian): magic 0xC5 | version 1 | kind 1 | sender 8 | counter 8 | body | MAC 16. The MAC is the
first half of HMAC-SHA256 (RFC 2104 section 5) over everything before it. Nothing is encrypted: the network
between nodes is private, and what is secret travels through the directory.
"""

from __future__ import annotations

import hmac
import struct
from dataclasses import dataclass
from typing import Literal

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from stentor.core.errors import LocalError, RemoteError
from stentor.core.outputs import Address

MAGIC = 0xC5  # outside 128 to 191, which is RTP on the same port (RFC 7983)
VERSION = 1  # grows when the meaning of a field changes; a new field at the end of a body does not
NODE_BYTES = 8
KEY_BYTES = 32
MAX_DATAGRAM = 1200  # bytes: passes any path without fragments (RFC 9000 section 14)

_HEADER = struct.Struct("!BBB8sQ")
_MAC_BYTES = 16
MAX_BODY = MAX_DATAGRAM - _HEADER.size - _MAC_BYTES

EnvelopeReason = Literal["format", "version", "mac"]


class EnvelopeError(RemoteError):
    """The datagram is not one that a node of this cluster sealed."""

    def __init__(self, reason: EnvelopeReason, detail: str) -> None:
        super().__init__(detail)
        self.reason: EnvelopeReason = reason


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a datagram carries, once its MAC is proved."""

    kind: int
    """Which message the body is, see `messages.Kind`."""
    sender: bytes
    """Node id of the sender, 8 bytes."""
    counter: int
    """Grows with every datagram of the sender's life, from 1."""
    body: bytes
    """At most MAX_BODY bytes."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who says a message: proved by its datagram, or a node of this process."""

    node: bytes
    """Id of the node, 8 bytes."""
    address: Address
    """Where an answer goes."""


def control_key(cluster_secret: bytes) -> bytes:
    """The key of all control datagrams (HKDF-SHA256, RFC 5869) from the secret every node is given."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"stentor mesh control").derive(cluster_secret)


def seal_envelope(envelope: Envelope, key: bytes) -> bytes:
    """The datagram. LocalError when a field does not fit."""
    if len(envelope.sender) != NODE_BYTES or len(envelope.body) > MAX_BODY:
        raise LocalError(
            f"envelope: sender of {len(envelope.sender)} bytes, body of {len(envelope.body)} "
            f"(8 and at most {MAX_BODY} fit)"
        )
    try:
        header = _HEADER.pack(MAGIC, VERSION, envelope.kind, envelope.sender, envelope.counter)
    except struct.error as error:
        raise LocalError(f"envelope: {error}") from error
    return header + envelope.body + _mac(header + envelope.body, key)


def open_envelope(data: bytes, key: bytes) -> Envelope:
    """Verify a datagram and give back what it says. EnvelopeError.

    The caller then asks `ReplayTable.accept`: a recorded datagram has a good MAC too.
    """
    if not _HEADER.size + _MAC_BYTES <= len(data) <= MAX_DATAGRAM:
        raise EnvelopeError("format", f"datagram of {len(data)} bytes")
    magic, version, kind, sender, counter = _HEADER.unpack_from(data)
    if magic != MAGIC:
        raise EnvelopeError("format", f"datagram begins with {magic}")
    if version != VERSION:
        raise EnvelopeError("version", f"datagram has version {version}, not {VERSION}")
    if not hmac.compare_digest(data[-_MAC_BYTES:], _mac(data[:-_MAC_BYTES], key)):
        raise EnvelopeError("mac", "datagram is forged, or of another cluster")
    return Envelope(kind, sender, counter, data[_HEADER.size : -_MAC_BYTES])


def _mac(data: bytes, key: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")[:_MAC_BYTES]

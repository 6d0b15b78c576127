"""What a capture keeps of a datagram, and the file that it keeps it in.

Handshakes and everything between nodes are few and kept whole; of the others 32 bytes, a digest among
them, and what their header says.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import BinaryIO, NamedTuple

from chaos.cluster import CLUSTER
from stentor.core.rtp.packet import HEADER_LENGTH
from stentor.core.webrtc.demux import Kind, classify
from stentor.core.webrtc.srtp_ciphers import RTCP_CLEAR

DIGEST = 8  # bytes: 2^64, so that two of the millions of packets of a run hardly ever share one
RTCP_END = 14  # bytes: the index word is the last 4 with GCM, and before a tag of 10 otherwise

_HEAD = struct.Struct("!d6s6s8sHH")


class Datagram(NamedTuple):
    """One that a node has sent."""

    at: float
    """Wall-clock time."""
    source: bytes
    """IPv4 address and port, 6 bytes."""
    to: bytes
    """The same of its receiver."""
    digest: bytes
    """Of the whole payload."""
    size: int
    """Of it, in bytes."""
    kept: bytes
    """What `keep` took of it."""

    @property
    def way(self) -> str:
        """In words."""
        ends = (f"{IPv4Address(end[:4])}:{int.from_bytes(end[4:], 'big')}" for end in (self.source, self.to))
        return " > ".join(ends)

    @property
    def between_nodes(self) -> bool:
        """Whether a cluster port has sent it."""
        return int.from_bytes(self.source[4:], "big") == CLUSTER


def datagram(at: float, source: bytes, to: bytes, payload: bytes) -> Datagram | None:
    """The record of a datagram; None for what needs no key, as STUN."""
    kept = payload if int.from_bytes(source[4:], "big") == CLUSTER else keep(payload)
    if not kept:
        return None
    digest = hashlib.blake2b(payload, digest_size=DIGEST).digest()
    return Datagram(at, source, to, digest, len(payload), kept)


def keep(payload: bytes) -> bytes:
    """What is told of a datagram to a listener or a host."""
    kind = classify(payload)
    if kind is Kind.RTP:
        return payload[:HEADER_LENGTH]
    if kind is Kind.RTCP:
        return payload[:RTCP_CLEAR] + payload[-RTCP_END:]
    return payload if kind is Kind.DTLS else b""


def write(file: BinaryIO, record: Datagram) -> int:
    """Append it; how many bytes that took."""
    *head, kept = record
    return file.write(_HEAD.pack(*head, len(kept)) + kept)


def read(path: Path) -> Iterator[Datagram]:
    """All that were written, in this order. A last one that is cut off is left out."""
    with path.open("rb", buffering=1 << 20) as file:
        while len(head := file.read(_HEAD.size)) == _HEAD.size:
            *fields, length = _HEAD.unpack(head)
            kept = file.read(length)
            if len(kept) < length:
                return
            yield Datagram._make((*fields, kept))

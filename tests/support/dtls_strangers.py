"""ClientHellos of somebody who is not the client, and ClientHellos in pieces."""

from __future__ import annotations

from stentor.core.webrtc.dtls import DtlsTransport
from stentor.core.webrtc.dtls_records import HANDSHAKE, RECORD_HEADER
from support.memory_peer import identity


def forged_hello() -> bytes:
    """A ClientHello as good as any, with a random of its own."""
    stranger = DtlsTransport(identity("stranger"), server=False)
    stranger.start(now=0.0)
    (hello,) = stranger.take_outgoing()
    return hello


def in_two(datagram: bytes) -> list[bytes]:
    """A ClientHello as two fragments, each in a record and datagram of its own."""
    body = datagram[RECORD_HEADER:]
    message, data = body[:6], body[12:]
    half = len(data) // 2
    pieces = []
    for number, (offset, part) in enumerate(((0, data[:half]), (half, data[half:]))):
        fragment = message + offset.to_bytes(3, "big") + len(part).to_bytes(3, "big") + part
        sequence = (30 * number).to_bytes(6, "big")  # away from the numbers that the client will use
        header = bytes([HANDSHAKE, 0xFE, 0xFD, 0, 0]) + sequence + len(fragment).to_bytes(2, "big")
        pieces.append(header + fragment)
    return pieces

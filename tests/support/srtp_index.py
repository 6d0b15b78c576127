"""The index of an SRTP packet, as the cipher and nobody else says it."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag

from stentor.core.rtp.packet import HEADER_LENGTH
from stentor.core.webrtc.srtp_ciphers import PacketCipher

ROLLOVERS = 4  # of 65,536 packets at 50 a second: over an hour, and no scene is longer


def index_of(packet: bytes, cipher: PacketCipher, *, rollovers: int = 0) -> int | None:
    """At which it is authentic, sought from `rollovers` on; None when it is not."""
    sequence = int.from_bytes(packet[2:4], "big")
    for distance in range(ROLLOVERS):
        index = (rollovers + distance) % ROLLOVERS << 16 | sequence
        try:
            cipher.open_rtp(packet, HEADER_LENGTH, index)
        except InvalidTag:
            continue
        return index
    return None

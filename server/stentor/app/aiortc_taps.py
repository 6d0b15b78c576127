"""The one place that knows private names of aiortc (hence the pin below 1.17)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver
from aiortc.rtp import RtpPacket


@dataclass(frozen=True, slots=True)
class TappedPacket:
    """One RTP packet as it came from SRTP, before aiortc's jitter buffer."""

    ssrc: int
    """Whose stream."""
    sequence: int
    """16 bits, as on the wire."""
    timestamp: int
    """32 bits, 48 kHz."""
    payload: bytes
    """One Opus packet."""


def new_connection() -> RTCPeerConnection:
    """A peer connection without STUN servers: the answer holds every address there is (ICE lite)."""
    return RTCPeerConnection(RTCConfiguration(iceServers=[]))


def tap_receiver(receiver: RTCRtpReceiver, take: Callable[[TappedPacket], None]) -> None:
    """Hand every packet to `take`, then to aiortc as before, so that its receiver reports stay true."""
    handle = receiver._handle_rtp_packet

    async def tapped(packet: RtpPacket, arrival_time_ms: int) -> None:
        take(TappedPacket(packet.ssrc, packet.sequence_number, packet.timestamp, packet.payload))
        await handle(packet, arrival_time_ms=arrival_time_ms)

    receiver._handle_rtp_packet = tapped  # type: ignore[method-assign]

"""What the WebRTC core tells its shell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stentor.core.outputs import Address
from stentor.core.webrtc.capsule import Capsule
from stentor.core.webrtc.srtp import SrtpKeys

CloseReason = Literal["deleted", "close_notify", "consent", "replaced", "event ended", "handshake", "evicted"]


@dataclass(frozen=True, slots=True)
class PeerConnected:
    """DTLS is complete and the certificate matches the capsule: media may flow."""

    capsule: Capsule
    """Who it is and what it was promised."""
    keys: SrtpKeys
    """SRTP keys of both directions."""
    address: Address
    """The nominated address."""
    source: str | None
    """Our address it reached, from which media must leave."""
    handshake_seconds: float
    """From first contact to completion."""


@dataclass(frozen=True, slots=True)
class PeerMoved:
    """Media must go to another address from now on."""

    session: bytes
    """Whose."""
    address: Address
    """Where to."""
    source: str | None
    """Where from."""


@dataclass(frozen=True, slots=True)
class PeerClosed:
    """The session is gone and its seat is free."""

    session: bytes
    """Whose."""
    reason: CloseReason
    """Why."""
    was_connected: bool
    """Whether PeerConnected was given before."""


@dataclass(frozen=True, slots=True)
class RtpReceived:
    """A decrypted, authenticated, fresh RTP packet from a publisher."""

    session: bytes
    """Whose."""
    data: bytes
    """The plain packet."""


@dataclass(frozen=True, slots=True)
class RtcpReceived:
    """A decrypted, authenticated, fresh compound RTCP packet."""

    session: bytes
    """Whose."""
    data: bytes
    """The plain packet."""


Notice = PeerConnected | PeerMoved | PeerClosed | RtpReceived | RtcpReceived

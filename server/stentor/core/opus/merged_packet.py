"""What leaves the merger: one packet for the listeners of a phase."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MergedPacket:
    """One Opus packet with one or more frames of the program."""

    sequence: int
    """Program sequence of its first frame."""
    timestamp: int
    """Program timestamp of its first frame, extended: the packet's RTP timestamp is its low 32 bits."""
    payload: bytes
    """The Opus packet; the host's own, bit for bit, when it holds one program frame."""
    duration: int
    """Samples at 48 kHz; 0 when the payload is not Opus."""
    program_frames: int
    """How many frames of the program it holds."""
    lost: int
    """Program frames missing right before it: so many RTP sequence numbers and SRTP indices stay unused."""

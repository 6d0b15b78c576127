"""The table-of-contents byte of an Opus packet (RFC 6716 section 3): its duration without decoding it."""

from __future__ import annotations

from dataclasses import dataclass

from stentor.core.errors import RemoteError

SILENCE_20MS: bytes = b"\xf8\xff\xfe"
"""20 ms of digital silence: CELT full band, mono, one frame (what libopus encodes from zeros)."""

MAX_PACKET_SAMPLES = 5760  # 120 ms at 48 kHz (RFC 6716 section 3.2.5, requirement R5)
MAX_FRAME_BYTES = 1275  # RFC 6716 section 3.2.1, requirement R2

# Frame length in samples at 48 kHz by configuration number (RFC 6716 section 3.1, table 2).
_SILK = (480, 960, 1920, 2880)  # 10, 20, 40, 60 ms: narrow, medium and wide band
_HYBRID = (480, 960)  # 10, 20 ms: super-wide and full band
_CELT = (120, 240, 480, 960)  # 2.5, 5, 10, 20 ms: four bandwidths
_FRAME_SAMPLES = _SILK * 3 + _HYBRID * 2 + _CELT * 4


class OpusError(RemoteError):
    """Bytes that no Opus encoder makes."""


@dataclass(frozen=True, slots=True)
class Toc:
    """What the first byte or two of a packet say."""

    config: int
    """0 to 31: mode, bandwidth and frame length (RFC 6716 table 2)."""
    stereo: bool
    """The channel bit."""
    frame_count: int
    """Frames in the packet, 1 to 48."""
    frame_samples: int
    """Length of one frame in samples at 48 kHz, 120 to 2880."""

    @property
    def duration(self) -> int:
        """Length of the packet in samples at 48 kHz, at most 5760."""
        return self.frame_count * self.frame_samples


def parse_toc(packet: bytes) -> Toc:
    """Read configuration and frame count of one Opus packet.

    Checks what RFC 6716 section 3.4 requires of count and duration (R1, R3 to R6) and the largest frame
    (R2) where all frames are of one size; it does not walk the frame lengths. Raises OpusError.
    """
    if not packet:
        raise OpusError("empty Opus packet")
    first = packet[0]
    frame_samples = _FRAME_SAMPLES[first >> 3]
    frame_count = _frame_count(first & 3, packet)
    if frame_count * frame_samples > MAX_PACKET_SAMPLES:
        raise OpusError("Opus packet longer than 120 ms")
    return Toc(first >> 3, bool(first & 4), frame_count, frame_samples)


def packet_duration(packet: bytes) -> int:
    """Length of one Opus packet in samples at 48 kHz. Raises OpusError."""
    return parse_toc(packet).duration


def _frame_count(code: int, packet: bytes) -> int:
    """How many frames a packet of this code has (RFC 6716 sections 3.2.2 to 3.2.5)."""
    body = len(packet) - 1
    if code == 0:
        if body > MAX_FRAME_BYTES:
            raise OpusError("Opus frame longer than 1275 bytes")
        return 1
    if code == 1:
        if body % 2 or body > 2 * MAX_FRAME_BYTES:
            raise OpusError("Opus packet cannot hold two frames of equal size")
        return 2
    if body < 1:
        raise OpusError("Opus packet without its frame lengths")
    if code == 2:
        _check_first_frame(packet)
        return 2
    frame_count = packet[1] & 0x3F
    if frame_count == 0:
        raise OpusError("Opus packet of no frames")
    return frame_count


def _check_first_frame(packet: bytes) -> None:
    """Whether the first frame's length of a two-frame packet fits into it (RFC 6716 section 3.2.4, R4)."""
    length, rest = packet[1], len(packet) - 2
    if length >= 252:  # a second length byte follows (section 3.2.1)
        if rest < 1:
            raise OpusError("Opus frame length cut off")
        length, rest = length + 4 * packet[2], rest - 1
    if length > rest:
        raise OpusError("Opus frame longer than its packet")

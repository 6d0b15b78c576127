"""RTP packets (RFC 3550 section 5.1): what a receiver needs of one, and the header of one we send."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from stentor.core.errors import RemoteError

HEADER_LENGTH = 12  # bytes, without CSRC list and extension (RFC 3550 section 5.1)

_VERSION_2 = 0x80
_PADDING = 0x20
_EXTENSION = 0x10
_CSRC_COUNT = 0x0F
_HEADER = Struct(">BBHII")


class RtpError(RemoteError):
    """Bytes that are not an RTP packet."""


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One RTP packet without its contributing sources, header extension and padding."""

    payload_type: int
    """0 to 127, as agreed in SDP."""
    sequence: int
    """16 bits, one more for each packet, wraps."""
    timestamp: int
    """32 bits in units of the media clock (48 kHz for Opus), wraps."""
    ssrc: int
    """32 bits: which stream."""
    payload: bytes
    """The media, possibly empty."""
    marker: bool = False
    """For audio: the first packet after a silence (RFC 3551 section 4.1)."""


def parse_rtp(data: bytes) -> RtpPacket:
    """Read one plain (decrypted) RTP packet; raises RtpError for anything that is not one."""
    if len(data) < HEADER_LENGTH:
        raise RtpError("RTP packet shorter than its header")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    if first & 0xC0 != _VERSION_2:
        raise RtpError("RTP version is not 2")
    start, end = header_length(data), len(data)
    if first & _PADDING:
        # The last byte counts the padding, itself included; 0 would claim that there is none.
        padding = data[-1]
        if padding == 0 or start + padding > end:
            raise RtpError("RTP padding longer than the payload")
        end -= padding
    return RtpPacket(second & 0x7F, sequence, timestamp, ssrc, data[start:end], bool(second & 0x80))


def header_length(data: bytes) -> int:
    """Length in bytes of fixed header, CSRC list and extension, all of which SRTP leaves in the clear.

    Raises RtpError when the packet is too short to hold them.
    """
    if len(data) < HEADER_LENGTH:
        raise RtpError("RTP packet shorter than its header")
    first = data[0]
    length = HEADER_LENGTH + 4 * (first & _CSRC_COUNT)
    if first & _EXTENSION:
        length += 4  # profile word and length word (RFC 3550 section 5.3.1)
        if length > len(data):
            raise RtpError("RTP header extension cut off")
        length += 4 * int.from_bytes(data[length - 2 : length], "big")
    if length > len(data):
        raise RtpError("RTP header longer than the packet")
    return length


def rtp_header(payload_type: int, sequence: int, timestamp: int, ssrc: int, *, marker: bool = False) -> bytes:
    """The 12 header bytes of a packet to send; extended counters may be given, each is cut to its width."""
    return _HEADER.pack(
        _VERSION_2,
        (payload_type & 0x7F) | (0x80 if marker else 0),
        sequence & 0xFFFF,
        timestamp & 0xFFFFFFFF,
        ssrc & 0xFFFFFFFF,
    )

"""Opus packets taken apart and put together without decoding (RFC 6716 section 3.2).

A packet is a table-of-contents byte, what the decoder must know of frame count and sizes, and the frames one
after another. Frames of several packets may travel in one as long as all share configuration and channel bit,
which the one table-of-contents byte states for all, and last no longer than 120 ms together. The frames
themselves are copied bit for bit. Padding is not: it is for constant bit rates, and the optional
extensions that newer encoders put there are made to be ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stentor.core.opus.toc import MAX_FRAME_BYTES, MAX_PACKET_SAMPLES, OpusError, parse_toc

_VBR = 0x80  # frame count byte: a size precedes each frame but the last (RFC 6716 section 3.2.5)
_PADDING = 0x40  # frame count byte: padding lengths follow
_COUNT = 0x3F
_CODE = 0x03  # table-of-contents byte: frame count code
_LONG = 252  # a size from here on takes two bytes (RFC 6716 section 3.2.1)


@dataclass(frozen=True, slots=True)
class PacketFrames:
    """One Opus packet taken apart."""

    head: int
    """The first byte without its frame count code: configuration and channel bit."""
    frame_samples: int
    """Length of each frame in samples at 48 kHz."""
    frames: tuple[bytes, ...]
    """1 to 48 frames of 0 to 1,275 bytes; no bytes is a frame not sent (DTX)."""

    @property
    def duration(self) -> int:
        """Length of the packet in samples at 48 kHz, at most 5760."""
        return len(self.frames) * self.frame_samples


def split_packet(packet: bytes) -> PacketFrames:
    """Take a packet of any code apart, as RFC 6716 section 3.4 asks of a decoder. Raises OpusError."""
    toc = parse_toc(packet)
    code = packet[0] & _CODE
    if code == 0:
        start, end, sizes = 1, len(packet), [len(packet) - 1]
    elif code == 1:
        start, end, sizes = 1, len(packet), [(len(packet) - 1) // 2] * 2
    elif code == 2:
        size, start = _read_size(packet, 1, len(packet))
        end = len(packet)
        sizes = [size, end - start - size]
    else:
        start, end, sizes = _code_3_layout(packet, toc.frame_count)
    if max(sizes) > MAX_FRAME_BYTES:
        raise OpusError("Opus frame longer than 1275 bytes")
    frames = []
    for size in sizes:
        frames.append(packet[start : start + size])
        start += size
    return PacketFrames(packet[0] & ~_CODE, toc.frame_samples, tuple(frames))


def packed_size(sizes: Sequence[int]) -> int:
    """Bytes of the smallest packet with frames of these sizes."""
    return _header_size(sizes) + sum(sizes)


def pack_frames(head: int, frames: Sequence[bytes]) -> bytes:
    """The smallest packet with these frames: code 0 for one, 1 or 2 for two, else 3 without padding.

    `head` as in `PacketFrames`. The caller sees to count and duration; each frame is 1,275 bytes at most.
    """
    sizes = [len(frame) for frame in frames]
    constant = len(set(sizes)) == 1
    if len(frames) == 1:
        header = bytes((head,))
    elif len(frames) == 2:
        header = bytes((head | 1,)) if constant else bytes((head | 2,)) + _write_size(sizes[0])
    elif constant:
        header = bytes((head | 3, len(frames)))
    else:
        header = bytes((head | 3, _VBR | len(frames))) + b"".join(map(_write_size, sizes[:-1]))
    return header + b"".join(frames)


def merge(packets: Sequence[bytes], *, max_bytes: int) -> bytes | None:
    """One packet with all frames of `packets` in their order.

    None when they cannot be one: another configuration or channel bit, together beyond 120 ms (and so
    beyond 48 frames), more than `max_bytes`, or no packet at all. Raises OpusError when one is malformed.
    """
    parts = [split_packet(packet) for packet in packets]
    if len({part.head for part in parts}) != 1 or sum(part.duration for part in parts) > MAX_PACKET_SAMPLES:
        return None
    merged = pack_frames(parts[0].head, [frame for part in parts for frame in part.frames])
    return merged if len(merged) <= max_bytes else None


def _code_3_layout(packet: bytes, frame_count: int) -> tuple[int, int, list[int]]:
    """Where the frames of a code 3 packet begin and end, and their sizes (RFC 6716 section 3.2.5)."""
    start, end = 2, len(packet)
    if packet[1] & _PADDING:
        start, padding = _read_padding(packet, start)
        end -= padding
    sizes: list[int] = []
    if packet[1] & _VBR:
        for _ in range(frame_count - 1):
            size, start = _read_size(packet, start, end)
            sizes.append(size)
        sizes.append(end - start - sum(sizes))
        if sizes[-1] < 0:
            raise OpusError("Opus frames longer than their packet")
        return start, end, sizes
    size, remainder = divmod(end - start, frame_count)
    if size < 0 or remainder:
        raise OpusError("Opus packet cannot hold frames of equal size")
    return start, end, [size] * frame_count


def _read_padding(packet: bytes, start: int) -> tuple[int, int]:
    """Position after the padding lengths, and bytes of padding: 255 stands for 254 and one more length."""
    padding = 0
    while True:
        if start >= len(packet):
            raise OpusError("Opus padding length cut off")
        length = packet[start]
        start += 1
        if length < 255:
            padding += length
            break
        padding += 254
    if padding > len(packet) - start:
        raise OpusError("Opus padding longer than its packet")
    return start, padding


def _read_size(packet: bytes, start: int, end: int) -> tuple[int, int]:
    """A frame size and the position after it; the frame fits before `end`."""
    if start >= end:
        raise OpusError("Opus frame length cut off")
    size = packet[start]
    start += 1
    if size >= _LONG:
        if start >= end:
            raise OpusError("Opus frame length cut off")
        size += 4 * packet[start]
        start += 1
    if size > end - start:
        raise OpusError("Opus frame longer than its packet")
    return size, start


def _write_size(size: int) -> bytes:
    if size < _LONG:
        return bytes((size,))
    first = _LONG + size % 4
    return bytes((first, (size - first) // 4))


def _header_size(sizes: Sequence[int]) -> int:
    constant = len(set(sizes)) == 1
    if len(sizes) == 1:
        return 1
    base = 1 if len(sizes) == 2 else 2
    return base if constant else base + sum(1 if size < _LONG else 2 for size in sizes[:-1])

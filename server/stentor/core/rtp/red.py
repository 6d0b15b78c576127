"""Redundant audio data (RFC 2198): earlier frames travel again with each packet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stentor.core.errors import RemoteError

MAX_OFFSET = (1 << 14) - 1  # timestamp units: 341 ms at 48 kHz (RFC 2198 section 3)
MAX_LENGTH = (1 << 10) - 1  # bytes of a redundant block (RFC 2198 section 3)

_MORE = 0x80  # another block header follows


class RedError(RemoteError):
    """A payload that is not RED."""


@dataclass(frozen=True, slots=True)
class RedBlock:
    """One frame of a RED payload."""

    payload_type: int
    """Of the frame itself."""
    timestamp_offset: int
    """How much older than the packet's timestamp, in its units; 0 for the primary."""
    payload: bytes
    """The frame."""


def parse_red(payload: bytes) -> tuple[RedBlock, ...]:
    """The blocks in the order of the wire: redundant ones, usually oldest first, the primary last.

    Raises RedError when headers or blocks are cut off.
    """
    headers: list[tuple[int, int, int]] = []
    start = 0
    while start < len(payload) and payload[start] & _MORE:
        if len(payload) < start + 4:
            raise RedError("RED block header cut off")
        header = int.from_bytes(payload[start : start + 4], "big")
        headers.append((header >> 24 & 0x7F, header >> 10 & MAX_OFFSET, header & MAX_LENGTH))
        start += 4
    if start >= len(payload):
        raise RedError("RED payload without a primary block")
    primary_type = payload[start]
    start += 1
    blocks: list[RedBlock] = []
    for payload_type, offset, length in headers:
        if len(payload) < start + length:
            raise RedError("RED block cut off")
        blocks.append(RedBlock(payload_type, offset, payload[start : start + length]))
        start += length
    blocks.append(RedBlock(primary_type, 0, payload[start:]))
    return tuple(blocks)


def build_red(
    primary_pt: int,
    primary: bytes,
    redundant: Sequence[tuple[int, bytes]],
    *,
    redundant_pt: int | None = None,
) -> bytes:
    """A RED payload of `primary` and, before it, the `redundant` frames in the order given.

    `redundant`: (timestamp offset, frame), oldest first. A frame that its header cannot describe (offset
    beyond 14 bits or not positive, length beyond 10 bits) is left out. `redundant_pt`: payload type of the
    redundant frames when it differs from the primary's.
    """
    payload_type = (primary_pt if redundant_pt is None else redundant_pt) & 0x7F
    fitting = [block for block in redundant if 0 < block[0] <= MAX_OFFSET and len(block[1]) <= MAX_LENGTH]
    headers = b"".join(
        ((_MORE | payload_type) << 24 | offset << 10 | len(frame)).to_bytes(4, "big")
        for offset, frame in fitting
    )
    frames = b"".join(frame for _, frame in fitting)
    return headers + bytes((primary_pt & 0x7F,)) + frames + primary

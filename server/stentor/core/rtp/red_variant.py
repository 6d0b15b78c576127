"""The second variant of a packet, for listeners on lossy paths: with it travel the one or two before it.

RED (RFC 2198) says of each earlier payload how much older it is, in 14 bits, and how long, in 10 bits. Both
come from what was really sent, so that they hold across ptime switches and pauses; an earlier payload that
they cannot describe, or that would make the packet too long, is left out.
"""

from __future__ import annotations

from stentor.core.rtp.red import MAX_LENGTH, MAX_OFFSET, build_red

DEPTH = 2  # earlier payloads at most
MAX_RED_BYTES = 1150  # as a merged packet: with SRTP, UDP and IPv6 below 1,280 (RFC 8200 section 5)

_HEADER = 4  # bytes that describe an earlier payload (RFC 2198 section 3)


class RedHistory:
    """The last packets sent of one stream. Build the variant of a packet first, then push it."""

    def __init__(self) -> None:
        self._past: list[tuple[int, bytes]] = []  # timestamp and payload, newest first

    def build(self, payload_type: int, timestamp: int, payload: bytes, *, depth: int = DEPTH) -> bytes:
        """RED payload of the packet at `timestamp` (extended) with up to `depth` earlier ones.

        `payload_type`: of Opus, for all of them. Newer ones are served first with the room there is.
        """
        room = MAX_RED_BYTES - 1 - len(payload)
        chosen: list[tuple[int, bytes]] = []
        for earlier, past in self._past[:depth]:
            offset = timestamp - earlier
            size = _HEADER + len(past)
            if 0 < offset <= MAX_OFFSET and len(past) <= MAX_LENGTH and size <= room:
                chosen.insert(0, (offset, past))
                room -= size
        return build_red(payload_type, payload, chosen)

    def push(self, timestamp: int, payload: bytes) -> None:
        """This packet was sent."""
        self._past = [(timestamp, payload), *self._past[: DEPTH - 1]]

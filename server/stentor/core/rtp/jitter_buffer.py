"""Puts the packets of one sender back in order and keeps each of them once.

Order and identity are the RTP timestamp, not the sequence number: a frame recovered from RED carries only
a timestamp offset (RFC 2198 section 3), and its sequence number is the receiver's guess.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from enum import Enum, auto

CAPACITY = 512  # packets: 1.3 s of the shortest Opus frames (2.5 ms); a sender cannot make us hold more
MEMORY = 128  # packets already played that are still recognised: more than RED reaches back, 2^14 samples
# (341 ms, RFC 2198 section 3), at the shortest frames in use


@dataclass(frozen=True, slots=True)
class MediaPacket:
    """One Opus packet of a sender, with numbers that no longer wrap."""

    sequence: int
    """Extended RTP sequence number."""
    timestamp: int
    """Extended RTP timestamp at 48 kHz."""
    payload: bytes
    """The packet as sent."""
    duration: int
    """How long it plays, in samples at 48 kHz."""


class Inserted(Enum):
    """What became of a packet."""

    KEPT = auto()
    """It waits in its place."""
    EVICTED_OLDEST = auto()
    """It waits in its place; the oldest waiting packet had to go for it."""
    DUPLICATE = auto()
    """A packet with this timestamp waits or was played; the first one stays."""
    LATE = auto()
    """A younger packet was played before it came."""


class JitterBuffer:
    """Waiting packets in the order of their timestamps. When each one leaves is the caller's decision.

    Look at `head`, compare its due time with now, then `pop`.
    """

    __slots__ = ("_capacity", "_floor", "_known", "_packets", "_played")

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._packets: list[MediaPacket] = []
        self._floor: int | None = None  # timestamp of the youngest packet that left
        self._known: set[int] = set()  # timestamps waiting or lately played
        self._played: deque[int] = deque()

    def __len__(self) -> int:
        return len(self._packets)

    def __contains__(self, timestamp: int) -> bool:
        """Whether a packet with this timestamp waits or was played lately."""
        return timestamp in self._known

    @property
    def head(self) -> MediaPacket | None:
        """The packet that plays next, or None."""
        return self._packets[0] if self._packets else None

    def insert(self, packet: MediaPacket) -> Inserted:
        """Take one packet, in whatever order it came."""
        timestamp = packet.timestamp
        if timestamp in self._known:
            return Inserted.DUPLICATE
        if self._floor is not None and timestamp <= self._floor:
            return Inserted.LATE
        packets = self._packets
        if not packets or timestamp > packets[-1].timestamp:
            packets.append(packet)
        else:
            packets.insert(bisect_left(packets, timestamp, key=_timestamp_of), packet)
        self._known.add(timestamp)
        if len(packets) <= self._capacity:
            return Inserted.KEPT
        self.pop()
        return Inserted.EVICTED_OLDEST

    def pop(self) -> MediaPacket:
        """Take the head out; everything older that still comes is late. IndexError when empty."""
        packet = self._packets.pop(0)
        self._floor = packet.timestamp
        self._played.append(packet.timestamp)
        if len(self._played) > MEMORY:
            self._known.discard(self._played.popleft())
        return packet

    def restart(self) -> None:
        """Drop what waits and accept any timestamp again, except those played lately.

        The exception is for a sender whose clock stood still: its first RED packet repeats frames that
        were heard before the pause.
        """
        self._known.difference_update(packet.timestamp for packet in self._packets)
        self._packets.clear()
        self._floor = None


def _timestamp_of(packet: MediaPacket) -> int:
    return packet.timestamp

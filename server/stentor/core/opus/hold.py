"""The constant hold: every packet leaves when its first frame is 100 ms old, however long the packet is.

Without it a step from 20 to 60 ms makes audio 40 ms later, because the first frame of a packet waits for the
others, and a player conceals the difference once. With it nothing changes for the player: at 20 ms a packet
waits 100 ms, at 60 ms it waits 60 ms more after its last frame, at 120 ms it leaves with its last frame.
Exact for frames of 20 ms and longer; with shorter ones the last frame of a 120 ms packet comes later than
100 ms after its first (2.5 ms frames: 117.5 ms), and the packet leaves with it.
"""

from __future__ import annotations

from collections import deque

from stentor.core.opus.merged_packet import MergedPacket

HOLD_SAMPLES = 4800  # 100 ms: how old the first frame of a 120 ms packet is when its last one comes
MAX_HELD_PACKETS = 48  # 100 ms of 2.5 ms frames that change their configuration each time, and some
MAX_HELD_BYTES = 8192  # 100 ms at 510 kbit/s is 6,375


class HoldQueue:
    """Finished packets that wait for their time. Bounded: when it is full the oldest leaves early."""

    def __init__(self) -> None:
        self._packets: deque[MergedPacket] = deque()
        self._bytes = 0

    def push(self, packet: MergedPacket) -> list[MergedPacket]:
        """Take a packet; returns those that had to make room, in order (maybe `packet` itself)."""
        left: list[MergedPacket] = []
        size = len(packet.payload)
        while self._packets and (
            len(self._packets) == MAX_HELD_PACKETS or self._bytes + size > MAX_HELD_BYTES
        ):
            left.append(self._pop())
        if size > MAX_HELD_BYTES:
            return [*left, packet]
        self._packets.append(packet)
        self._bytes += size
        return left

    def release(self, timestamp: int) -> list[MergedPacket]:
        """What is old enough when the program's clock shows `timestamp`, in order."""
        left: list[MergedPacket] = []
        while self._packets and timestamp >= self._packets[0].timestamp + HOLD_SAMPLES:
            left.append(self._pop())
        return left

    def clear(self) -> list[MergedPacket]:
        """Everything that waits, in order."""
        left = list(self._packets)
        self._packets.clear()
        self._bytes = 0
        return left

    @property
    def oldest(self) -> int | None:
        """Timestamp of the packet that leaves next, None when nothing waits."""
        return self._packets[0].timestamp if self._packets else None

    def _pop(self) -> MergedPacket:
        packet = self._packets.popleft()
        self._bytes -= len(packet.payload)
        return packet

"""What a listener got of one stream: the packets in order, and how many were lost, late or behind a gap."""

from __future__ import annotations

from dataclasses import dataclass

from stentor.core.rtp.serial import Unwrapper

CLOCK_RATE = 48000
REORDER_PACKETS = 50  # 1 s at 20 ms: what comes later than that is counted as lost
GAP_SECONDS = 0.1  # longer between two packets than a browser's jitter buffer usually bridges
LATE_SECONDS = 0.1  # behind the quickest packet by more than that, the same measure
QUICKEST_WINDOW = 10.0  # seconds over which the quickest is taken, so that clock drift is not lateness


@dataclass(frozen=True, slots=True)
class HeardPacket:
    """One packet in its place."""

    sequence: int
    """Extended: does not wrap."""
    timestamp: int
    """Extended, 48 kHz."""
    payload: bytes
    """One Opus packet."""


@dataclass(frozen=True, slots=True)
class HeardSummary:
    """What `stentor listen` prints."""

    packets: int
    """Different packets that arrived."""
    bytes: int
    """Opus bytes in them."""
    lost: int
    """Sequence numbers that never came (or came after a second)."""
    duplicates: int
    """Packets that came again (or so late that they had been counted as lost)."""
    reordered: int
    """Packets that came after one with a higher number."""
    gaps: int
    """Times nothing came for more than 100 ms."""
    longest_gap_ms: int
    """The longest time between two packets."""
    late: int
    """Packets more than 100 ms behind the quickest of the last 10 to 20 s."""
    latest_ms: int
    """How far the latest one was behind."""
    other_streams: int
    """Packets of another SSRC than the first."""


class HeardStream:
    """Takes packets as they come, gives them back in sequence order, and counts."""

    def __init__(self) -> None:
        self._ssrc: int | None = None
        self._sequences = Unwrapper(16)
        self._timestamps = Unwrapper(32)
        self._waiting: dict[int, HeardPacket] = {}
        self._first = self._next = self._highest = 0
        self._packets = self._bytes = self._given = 0
        self._duplicates = self._reordered = self._other_streams = 0
        self._pace = _Pace()

    def receive(
        self, ssrc: int, sequence: int, timestamp: int, payload: bytes, *, now: float
    ) -> list[HeardPacket]:
        """Take one packet as on the wire. Returns those that are now certain to be next, in order."""
        if self._ssrc is None:
            self._ssrc = ssrc
            self._first = self._next = self._highest = self._sequences.unwrap(sequence)
        elif ssrc != self._ssrc:
            self._other_streams += 1
            return []
        else:
            sequence = self._sequences.unwrap(sequence)
        extended = self._timestamps.unwrap(timestamp)
        if sequence in self._waiting or sequence < self._next:
            self._duplicates += 1
            return []
        self._reordered += sequence < self._highest
        self._highest = max(self._highest, sequence)
        self._packets += 1
        self._bytes += len(payload)
        self._pace.arrived(extended, now=now)
        self._waiting[sequence] = HeardPacket(sequence, extended, payload)
        return self._release(self._highest - REORDER_PACKETS)

    def finish(self) -> list[HeardPacket]:
        """The packets still held back, in order, when no more will come."""
        return self._release(self._highest)

    def summary(self) -> HeardSummary:
        """The counts so far."""
        expected = self._highest - self._first + 1 if self._packets else 0
        return HeardSummary(
            packets=self._packets,
            bytes=self._bytes,
            lost=expected - self._packets,
            duplicates=self._duplicates,
            reordered=self._reordered,
            gaps=self._pace.gaps,
            longest_gap_ms=round(self._pace.longest_gap * 1000),
            late=self._pace.late,
            latest_ms=round(self._pace.latest * 1000),
            other_streams=self._other_streams,
        )

    def _release(self, certain: int) -> list[HeardPacket]:
        """Everything contiguous, and everything up to `certain` whatever is missing in between."""
        ready = []
        while self._waiting and (self._next in self._waiting or self._next <= certain):
            packet = self._waiting.pop(self._next, None)
            self._next += 1
            if packet is not None:
                ready.append(packet)
        return ready


class _Pace:
    """When packets came: gaps between them, and how far each was behind the quickest."""

    def __init__(self) -> None:
        self.gaps = self.late = 0
        self.longest_gap = self.latest = 0.0
        self._last: float | None = None
        self._window_start = 0.0
        self._quickest = self._quickest_before = float("inf")

    def arrived(self, timestamp: int, *, now: float) -> None:
        """Count one packet with extended `timestamp`."""
        if self._last is not None:
            self.gaps += now - self._last > GAP_SECONDS
            self.longest_gap = max(self.longest_gap, now - self._last)
        self._last = now
        delay = now - timestamp / CLOCK_RATE
        if now - self._window_start > QUICKEST_WINDOW:
            self._window_start, self._quickest_before, self._quickest = now, self._quickest, float("inf")
        self._quickest = min(self._quickest, delay)
        behind = delay - min(self._quickest, self._quickest_before)
        self.late += behind > LATE_SECONDS
        self.latest = max(self.latest, behind)

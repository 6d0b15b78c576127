"""What one listener received: loss, lateness, gaps. Headers only; times in seconds."""

from __future__ import annotations

from stentor_loadtest.histogram import Histogram
from stentor_loadtest.wire.rtcp import ReportBlock

CLOCK_RATE = 48000  # Opus in RTP (RFC 7587 section 4.1)
_TRANSIT_WINDOW = 30.0  # seconds: the smallest transit is renewed, so that clock drift is not called lateness
_SEEN_WINDOW = 128  # packets back in which a duplicate is told from a late one


class Reception:
    """Follows one RTP stream. `lateness` is shared by all listeners of a run."""

    def __init__(self, lateness: Histogram) -> None:
        self._lateness = lateness
        self.packets = 0
        self.duplicates = 0
        self.backwards = 0
        self.longest_gap = 0.0
        self.highest: int | None = None
        self._first = 0
        self._seen = 1
        self._timestamp = 0
        self._arrival = 0.0
        self._best_before = float("inf")
        self._best = float("inf")
        self._window_ends = 0.0
        self._reported = (0, 0)

    def receive(self, sequence: int, timestamp: int, arrival: float) -> int:
        """Count one packet; returns its extended sequence number (the SRTP index while below 2^48)."""
        if self.highest is None:
            self.highest = self._first = sequence
            self._timestamp = timestamp
            self.packets = 1
            extended = sequence
        else:
            extended = self.highest + _signed(sequence - self.highest, 16)
            if not self._count(extended):
                return extended
            moved = _signed(timestamp - self._timestamp, 32)
            if extended == self.highest and moved < 0:
                self.backwards += 1
            self._timestamp += moved
            self.longest_gap = max(self.longest_gap, arrival - self._arrival)
        self._arrival = arrival
        self._lateness.add(self._late(arrival))
        return extended

    @property
    def lost(self) -> int:
        """Packets missing between the first and the newest."""
        return 0 if self.highest is None else self.highest - self._first + 1 - self.packets

    @property
    def expected(self) -> int:
        """Packets from the first to the newest."""
        return 0 if self.highest is None else self.highest - self._first + 1

    @property
    def last_arrival(self) -> float:
        """Wall-clock time of the newest packet; 0.0 before the first."""
        return self._arrival

    def report(self, ssrc: int) -> ReportBlock | None:
        """A report block since the last one (RFC 3550 A.3), or None before the first packet."""
        if self.highest is None:
            return None
        expected, lost = self.expected, self.lost
        new_expected, new_lost = expected - self._reported[0], lost - self._reported[1]
        self._reported = (expected, lost)
        fraction = min(255, max(0, new_lost) * 256 // new_expected) if new_expected > 0 else 0
        return ReportBlock(ssrc, fraction, max(0, lost), self.highest)

    def _count(self, extended: int) -> bool:
        """Note the packet as seen; False for a duplicate."""
        highest = self.highest or 0
        ahead = extended - highest
        if ahead > 0:
            self._seen = ((self._seen << min(ahead, _SEEN_WINDOW)) | 1) & ((1 << _SEEN_WINDOW) - 1)
            self.highest = extended
        elif -ahead < _SEEN_WINDOW and self._seen >> -ahead & 1:
            self.duplicates += 1
            return False
        else:
            self._seen |= 1 << min(-ahead, _SEEN_WINDOW - 1)
        self.packets += 1
        return True

    def _late(self, arrival: float) -> float:
        """Seconds by which this packet is later than the quickest of the last 30 to 60 seconds."""
        transit = arrival - self._timestamp / CLOCK_RATE
        if arrival >= self._window_ends:
            self._best_before, self._best = self._best, float("inf")
            self._window_ends = arrival + _TRANSIT_WINDOW
        self._best = min(self._best, transit)
        return transit - min(self._best, self._best_before)


def _signed(value: int, bits: int) -> int:
    """A difference of wrapping numbers as the nearest signed one."""
    half = 1 << (bits - 1)
    return ((value + half) & ((1 << bits) - 1)) - half

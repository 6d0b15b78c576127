"""Measuring windows over a swarm."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from stentor_loadtest.histogram import Histogram
from stentor_loadtest.swarm.native import Swarm

SILENT = 1.0  # seconds without a packet


@dataclass(frozen=True, slots=True)
class Window:
    """What all listeners received since `mark`."""

    seconds: float
    listeners: int
    packets: int
    expected: int
    octets: int
    late: int
    """Packets later than 20 ms against their listener's own quickest."""
    silent: int
    """Listeners without a packet in the last second."""
    kernel_drops: int
    lateness: Histogram
    common: Histogram

    @property
    def loss(self) -> float:
        """Share (0 to 1) of expected packets that never came."""
        return max(0, self.expected - self.packets) / self.expected if self.expected else 0.0

    @property
    def late_share(self) -> float:
        """Share (0 to 1) of packets later than 20 ms."""
        return self.late / self.packets if self.packets else 0.0


class Meter:
    """Marks where a window begins, and reads it."""

    def __init__(self, swarm: Swarm) -> None:
        self._swarm = swarm
        self._marked_at = time.monotonic()
        self._drops = 0

    def mark(self) -> None:
        """Begin a measuring window."""
        self._swarm.mark()
        self._marked_at = time.monotonic()
        self._drops = self._swarm.totals().kernel_drops

    def window(self, listeners: Iterable[int]) -> Window:
        """What these listeners received since then."""
        now, seconds = time.time(), time.monotonic() - self._marked_at
        heard = [self._swarm.heard(index) for index in listeners]
        return Window(
            seconds=seconds,
            listeners=len(heard),
            packets=sum(one.packets for one in heard),
            expected=sum(one.expected for one in heard),
            octets=sum(one.octets for one in heard),
            late=sum(one.late for one in heard),
            silent=sum(1 for one in heard if one.last_arrival < now - SILENT),
            kernel_drops=self._swarm.totals().kernel_drops - self._drops,
            lateness=self._swarm.lateness(),
            common=self._swarm.lateness(common=True),
        )

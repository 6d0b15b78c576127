"""What the Python fan-out's work costs; the native core counts for itself."""

from __future__ import annotations

import math
from collections import Counter

from stentor.net.media_load import MediaLoad

RANGES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.2, 1.0)  # seconds; about those of the core


class TwinLoad:
    """Running totals."""

    def __init__(self) -> None:
        self._cpu = 0.0
        self._packets = 0
        self._lateness: Counter[float] = Counter(dict.fromkeys((*RANGES, math.inf), 0))

    def sent(self, packets: int, *, late: float, cpu: float) -> None:
        """A frame has left, `late` seconds after it was due, for `cpu` CPU seconds."""
        self._cpu += cpu
        self._packets += packets
        self._lateness[next((limit for limit in RANGES if late <= limit), math.inf)] += packets

    def total(self) -> MediaLoad:
        """The totals now. Handshakes share the thread, and are not told apart."""
        return MediaLoad(self._cpu, self._packets, dict(self._lateness))

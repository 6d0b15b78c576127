"""What a run recorded over time: named lines of (time, value), for figures and plots."""

from __future__ import annotations

import math
from bisect import bisect_left


class Series:
    """Values by name over time; times of one name only grow."""

    def __init__(self) -> None:
        self._lines: dict[str, tuple[list[float], list[float]]] = {}

    def add(self, now: float, **values: float) -> None:
        """One point per name."""
        for name, value in values.items():
            times, points = self._lines.setdefault(name, ([], []))
            times.append(now)
            points.append(value)

    def names(self) -> list[str]:
        """In the order they were first recorded."""
        return list(self._lines)

    def line(self, name: str) -> tuple[list[float], list[float]]:
        """(times, values) of one name; empty when nothing was recorded."""
        return self._lines.get(name, ([], []))

    def values(self, name: str, start: float = 0.0, end: float = float("inf")) -> list[float]:
        """The values with start <= time < end."""
        times, points = self.line(name)
        return points[bisect_left(times, start) : bisect_left(times, end)]

    def last(self, name: str) -> float:
        """The newest value, 0 before the first."""
        _, points = self.line(name)
        return points[-1] if points else 0.0


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of them do not exceed; 0 of nothing."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

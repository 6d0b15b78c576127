"""Counts of durations in buckets of one millisecond: cheap to fill, mergeable, good for percentiles."""

from __future__ import annotations

_LIMIT_MS = 5000  # the last bucket holds everything longer


class Histogram:
    """Durations in seconds, kept to the millisecond."""

    def __init__(self) -> None:
        self.counts = [0] * (_LIMIT_MS + 1)
        self.total = 0

    def add(self, seconds: float) -> None:
        """Count one duration; below zero counts as zero."""
        bucket = int(seconds * 1000)
        self.counts[0 if bucket < 0 else min(bucket, _LIMIT_MS)] += 1
        self.total += 1

    def percentile(self, percent: float) -> float:
        """Upper end in seconds of the bucket in which the percentile lies; 0.0 when empty."""
        wanted = self.total * percent / 100
        running = 0
        for bucket, count in enumerate(self.counts):
            running += count
            if count and running >= wanted:
                return (bucket + 1) / 1000
        return 0.0

    def share_above(self, seconds: float) -> float:
        """Which part (0 to 1) was longer than `seconds` (a whole number of milliseconds)."""
        if not self.total:
            return 0.0
        return sum(self.counts[int(seconds * 1000) :]) / self.total


def percentile_of(values: list[float], percent: float) -> float:
    """Nearest-rank percentile of exact values; 0.0 when there are none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    rank = max(1, -int(-len(ordered) * percent // 100))
    return ordered[min(rank, len(ordered)) - 1]

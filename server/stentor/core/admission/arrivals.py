"""How many came when: a bounded histogram of arrivals, counted by each gateway, added up by the leader."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from stentor.core.admission.laws import Laws


class Arrivals:
    """Tickets given out, by time of arrival; in coarser steps when the line spans too many of them."""

    def __init__(
        self, laws: Laws, *, counts: Iterable[tuple[int, int]] = (), step_ms: int | None = None
    ) -> None:
        """Empty, or what `counts()` and `step_ms` of another said."""
        self._most = laws.line_buckets
        self._step = max(1, round(laws.line_grain * 1000)) if step_ms is None else step_ms
        self._buckets: dict[int, int] = {}  # start divided by the step -> how many
        self._total = 0
        for start_ms, count in counts:
            self.add(start_ms, count)

    @property
    def total(self) -> int:
        """How many came."""
        return self._total

    @property
    def step_ms(self) -> int:
        """Width of a bucket: `line_grain`, doubled as often as needed."""
        return self._step

    def add(self, arrival_ms: int, count: int = 1) -> None:
        """Count a ticket with this arrival time (ms of the leader's clock)."""
        bucket = arrival_ms // self._step
        self._buckets[bucket] = self._buckets.get(bucket, 0) + count
        self._total += count
        while len(self._buckets) > self._most:
            self._coarsen()

    def counts(self) -> tuple[tuple[int, int], ...]:
        """(start of the bucket in ms, how many), oldest first: totals, so a lost report costs nothing."""
        return tuple((bucket * self._step, count) for bucket, count in sorted(self._buckets.items()))

    def until(self, arrival_ms: int) -> float:
        """About how many came at this moment or before; within a bucket as if they had come evenly."""
        seen = 0.0
        for bucket, count in self._buckets.items():
            inside = (arrival_ms + 1 - bucket * self._step) / self._step
            seen += count * min(max(inside, 0.0), 1.0)
        return seen

    def moment(self, count: float, *, latest_ms: int) -> int:
        """The least arrival time (ms, at most `latest_ms`) by which about `count` had come."""
        seen = 0.0
        for bucket, here in sorted(self._buckets.items()):
            if seen + here >= count:
                inside = max(0.0, count - seen) / here
                return min(bucket * self._step + math.ceil(inside * self._step) - 1, latest_ms)
            seen += here
        return latest_ms

    def curve(self, points: int, *, since_ms: int = 0) -> tuple[tuple[int, int], ...]:
        """(ms, how many had come by then), oldest first, at most `points` (at least 2) of them.

        For the status body, from `since_ms` on: the first point is the bucket that holds it, the last the
        end of the line.
        """
        ends: list[tuple[int, int]] = []
        seen = 0
        for bucket, count in sorted(self._buckets.items()):
            start = bucket * self._step
            if start + self._step > since_ms:
                if not ends:
                    ends.append((start - 1, seen))
                ends.append((start + self._step - 1, seen + count))
            seen += count
        if len(ends) <= points:
            return tuple(ends)
        stride = (len(ends) - 1) / (points - 1)
        return tuple(ends[round(number * stride)] for number in range(points))

    def _coarsen(self) -> None:
        self._step *= 2
        finer, self._buckets = self._buckets, {}
        for bucket, count in finer.items():
            self._buckets[bucket // 2] = self._buckets.get(bucket // 2, 0) + count


def merged(laws: Laws, by_gateway: Mapping[bytes, Arrivals]) -> Arrivals:
    """The sum of what every gateway (also one that is gone) counted."""
    both = Arrivals(laws, step_ms=max((one.step_ms for one in by_gateway.values()), default=None))
    for one in by_gateway.values():
        for start_ms, count in one.counts():
            both.add(start_ms, count)
    return both

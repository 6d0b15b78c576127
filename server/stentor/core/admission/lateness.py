"""The figure that credits, ladder and shedding go by: the 90th percentile of a window's lateness."""

from __future__ import annotations

from collections.abc import Iterable

QUANTILE = 0.90


def quantile(buckets: Iterable[tuple[float, int]], share: float = QUANTILE) -> float:
    """The least value that `share` of the counted are not above; 0.0 when nothing was counted.

    `buckets` are (value, count) in any order; of a histogram, value is the upper end in seconds.
    """
    ordered = sorted((value, count) for value, count in buckets if count > 0)
    total = sum(count for _, count in ordered)
    seen = 0
    for value, count in ordered:
        seen += count
        if seen >= share * total:
            return value
    return 0.0


def worst_p90(loop_lag: Iterable[float], fanout: Iterable[tuple[float, int]]) -> float:
    """d: the larger of the two p90s, in seconds: lags of the event loop, lateness of the packets sent."""
    return max(quantile((lag, 1) for lag in loop_lag), quantile(fanout))


def overload_of(lateness: float, cpu: float, idle_cpu: float) -> float:
    """The lateness that is this process's own doing: none while it uses `idle_cpu` of its cores or less.

    A laptop's hiccup, or a neighbour's burst, makes an idle process late too: a warning, no reason to act.
    """
    return lateness if cpu > idle_cpu else 0.0

"""The figure that credits, ladder and shedding go by: the 90th percentile of a window's lateness."""

from __future__ import annotations

import math
from collections.abc import Iterable

QUANTILE = 0.90


def quantile(buckets: Iterable[tuple[float, int]], share: float = QUANTILE) -> float:
    """The least value that `share` of the counted are not above; 0.0 when nothing was counted.

    `buckets` are (value, count) in any order.
    """
    ordered = sorted((value, count) for value, count in buckets if count > 0)
    total = sum(count for _, count in ordered)
    seen = 0
    for value, count in ordered:
        seen += count
        if seen >= share * total:
            return value
    return 0.0


def histogram_quantile(buckets: Iterable[tuple[float, int]], share: float = QUANTILE) -> float:
    """The value that `share` of the counted are below, as if each bucket were filled evenly.

    `buckets` are (upper end in seconds, count), the empty ones too. The upper end alone would call a wait of
    2.1 ms one of 5 ms, and a law with a limit of 5 ms would never be content. Of a bucket without an end, the
    lower one.
    """
    ordered = sorted(buckets)
    wanted = share * sum(count for _, count in ordered)
    seen, low = 0, 0.0
    for high, count in ordered:
        if count > 0 and seen + count >= wanted:
            return low if math.isinf(high) else low + (high - low) * (wanted - seen) / count
        seen, low = seen + count, high
    return 0.0


def worst_p90(loop_lag: Iterable[float], fanout: float) -> float:
    """d: the larger of the two p90s, in seconds: lags of the event loop, lateness of the packets sent."""
    return max(quantile((lag, 1) for lag in loop_lag), fanout)


def overload_of(lateness: float, cpu: float, idle_cpu: float) -> float:
    """The lateness that is this process's own doing: none while it uses `idle_cpu` of its cores or less.

    A laptop's hiccup, or a neighbour's burst, makes an idle process late too: a warning, no reason to act.
    """
    return lateness if cpu > idle_cpu else 0.0

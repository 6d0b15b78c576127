"""Rates and stretches out of what a crowd went through."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

from chaos.guests import GuestRow

LATE_MS = 40.0  # two ticks
FEW = 5  # joins below which a rate says nothing


def filling_rate(heard: Sequence[float], seats: int) -> float:
    """Seated a second from the first to the `seats`-th, of sorted times; 0.0 when there are not so many."""
    if len(heard) < max(FEW, seats):
        return 0.0
    return (seats - 1) / max(1e-3, heard[seats - 1] - heard[0])


def best_rate(heard: Sequence[float], people: int) -> float:
    """Seated a second in the fastest stretch of so many, of sorted times: what a door that closed meanwhile,
    or a crowd that waited, does not hide."""
    if people < FEW or len(heard) < people:
        return 0.0
    spans = (heard[at + people - 1] - heard[at] for at in range(len(heard) - people + 1))
    return (people - 1) / max(1e-3, min(spans))


def most_at_once(guests: Iterable[GuestRow]) -> int:
    """The most people who heard at the same time."""
    steps = [(guest.heard, 1) for guest in guests if guest.heard is not None]
    steps += [(guest.left, -1) for guest in guests if guest.heard is not None and guest.left is not None]
    return max(accumulate(step for _, step in sorted(steps)), default=0)


def rate_between(heard: Sequence[float], begin: float, end: float) -> float:
    """Seated a second within these wall-clock times."""
    return sum(begin <= when < end for when in heard) / (end - begin)


def late_stretch(diary: Sequence[dict[str, Any]], since: float) -> float:
    """Seconds of the longest time in which the p99 of lateness, of quarters of a second, was above 40 ms."""
    longest, began = 0.0, None
    before = since
    for line in diary:
        if line["at"] >= since and line["late_p99_ms"] > LATE_MS:
            began = before if began is None else began
            longest = max(longest, line["at"] - began)
        else:
            began = None
        before = line["at"]
    return round(longest, 2)

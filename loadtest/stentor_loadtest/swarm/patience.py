"""How long a listener waits before it asks again: the web client's rules."""

from __future__ import annotations

from collections.abc import Callable

Random = Callable[[], float]
"""A source of numbers in [0, 1)."""

FIRST = 0.3  # seconds: longest first wait; a million must not come back in the same moment
SECOND = 0.4  # seconds: upper end of the second one; it doubles from there
CAP = 2.5  # seconds: no wait is longer


def backoff(failures: int, random: Random) -> float:
    """Seconds before attempt `failures` + 1: the first anywhere up to FIRST, later ones in the upper half."""
    if failures <= 1:
        return random() * FIRST
    ceiling = min(CAP, SECOND * 2.0 ** min(failures - 2, 16))
    return ceiling * (0.5 + 0.5 * random())


def obeyed(wait: float, random: Random) -> float:
    """A wait that the server asked for: never shorter, up to a fifth longer."""
    return wait * (1 + 0.2 * random())


def about(seconds: float, random: Random) -> float:
    """Give or take a fifth, for polling."""
    return seconds * (0.8 + 0.4 * random())

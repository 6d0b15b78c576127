"""When people come: times in seconds from 0, sorted; the same seed gives the same crowd."""

from __future__ import annotations

import math
import random

DAY = 86_400.0  # seconds


def burst(count: int, seconds: float, chance: random.Random) -> list[float]:
    """`count` people, evenly at random within `seconds`: everybody clicks when the event begins."""
    return sorted(chance.uniform(0.0, seconds) for _ in range(count))


def poisson(rate: float, seconds: float, chance: random.Random) -> list[float]:
    """`rate` a second on average, independent of each other."""
    times = []
    now = chance.expovariate(rate)
    while now < seconds:
        times.append(now)
        now += chance.expovariate(rate)
    return times


def diurnal(
    mean: float, swing: float, seconds: float, chance: random.Random, *, day: float = DAY
) -> list[float]:
    """Poisson arrivals whose rate goes up and down once a `day` by `swing` (0 to 1) around `mean` a second.

    Thinning (Lewis and Shedler, 1979): draw at the highest rate, keep each by the share of the present one.
    """
    highest = mean * (1 + swing)
    return [
        time
        for time in poisson(highest, seconds, chance)
        if chance.random() * highest < mean * (1 - swing * math.cos(2 * math.pi * time / day))
    ]

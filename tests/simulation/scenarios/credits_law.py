"""Join credits: what a stall costs, and how fast a sustained overload is over."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

from simulation.kernel.bench_costs import Costs
from simulation.kernel.figure import Result
from simulation.kernel.person import Person
from simulation.kernel.shard import Shard
from stentor.core.admission.laws import Laws

STEP = 0.01
WINDOW = 25  # steps: the window of the credit law
MINUTES = 5
WARM = 60.0  # seconds before anything is counted
STALL, STALL_EVERY = 0.300, 60.0  # seconds
SEEDS = 3  # of which the slowest recovery counts: one seed may be lucky
WAITING = 8  # first contacts that always wait: joins are never short of people


def run(costs: Costs, seed: int, *, minutes: int = MINUTES) -> Result:
    """A shard that always has somebody who wants to join, seated or not."""
    result = Result("credits")
    for share in (0.0, 0.3, 0.6):
        free = _joins(costs, seed, share, minutes, lambda now: 0.0, None)
        stalled = _joins(costs, seed, share, minutes, _stalled, result if share == 0.3 else None)
        lost = 1 - stalled / free
        result.expect(
            f"300 ms stall a minute costs < 5 % of joins, {share:.0%} of S seated",
            f"{100 * lost:.1f} % of {free / 60 / minutes:.0f}/s",
            lost < 0.05,
        )
    for name, stolen in (("half of the CPU taken", 0.5), ("a third of the CPU taken", 0.33)):
        seconds = max(_recovery(costs, seed + n, stolen=partial(_from_warm_on, stolen)) for n in range(SEEDS))
        result.expect(f"p90 below 20 ms within 1 s: {name}", f"{seconds:.2f} s", seconds <= 1.0)
    seconds = max(_recovery(costs, seed + n, join_factor=3.0) for n in range(SEEDS))
    result.expect("p90 below 20 ms within 1 s: joins three times as dear", f"{seconds:.2f} s", seconds <= 1.0)
    return result


def _from_warm_on(stolen: float, now: float) -> float:
    return stolen if now >= WARM else 0.0


def _stalled(now: float) -> float:
    return 1.0 if now >= WARM and now % STALL_EVERY < STALL else 0.0


def _shard(costs: Costs, seed: int, share: float) -> Shard:
    laws = Laws()
    shard = Shard(0, laws=laws, true=costs, chance=random.Random(seed))
    shard.crowd = int(share * laws.seat_cpu / costs.listener(60))
    return shard


def _feed(shard: Shard, now: float) -> None:
    """Keep people waiting, and let those who are seated leave: the load stays what it is."""
    shard.listening.clear()
    while shard.contacts < WAITING:
        if not shard.contact(Person(0, now), now):
            return


def _joins(
    costs: Costs,
    seed: int,
    share: float,
    minutes: int,
    stolen: Callable[[float], float],
    result: Result | None,
) -> int:
    """Joins after warming up."""
    shard = _shard(costs, seed, share)
    shard.stolen = stolen
    before = 0
    for number in range(round((WARM + 60 * minutes) / STEP)):
        now = number * STEP
        if number == round(WARM / STEP):
            before = shard.tally.seated
        _feed(shard, now)
        shard.step(now, STEP)
        if result is not None and number % 10 == 0:
            result.series.add(
                now,
                credits=shard.credits.rate,
                joined=shard.tally.seated,
                lateness_ms=1000 * shard.lateness,
                cpu=shard.cpu,
                level=shard.level,
            )
    return shard.tally.seated - before


def _recovery(
    costs: Costs,
    seed: int,
    *,
    stolen: Callable[[float], float] = lambda now: 0.0,
    join_factor: float = 1.0,
) -> float:
    """Seconds of the longest unbroken stretch of windows above 20 ms, in half a minute of overload."""
    shard = _shard(costs, seed, 0.5)
    shard.stolen = stolen
    longest = late = 0
    for number in range(round((WARM + 30) / STEP)):
        now = number * STEP
        if number == round(WARM / STEP):
            shard.true = costs.scaled(join=join_factor)
        _feed(shard, now)
        shard.step(now, STEP)
        if now >= WARM and number % WINDOW == WINDOW - 1:
            late = late + 1 if shard.lateness > 0.020 else 0
            longest = max(longest, late)
    return longest * WINDOW * STEP

"""Listener counts from 10 % to 120 % of S, ten minutes each: few level changes per step, none periodic."""

from __future__ import annotations

import random
from dataclasses import dataclass

from simulation.kernel.bench_costs import Costs
from simulation.kernel.figure import Result
from simulation.kernel.shard import Shard
from stentor.core.admission.laws import Laws

STEP = 0.25  # seconds: the window of the laws; nothing here is faster than that
DWELL = 600.0  # seconds at each count
FIRST, LAST, STRIDE = 10, 120, 2  # per cent of S
SETTLED = 60.0  # seconds into a step after which a change is one nobody caused


@dataclass(frozen=True, slots=True)
class Case:
    """A way in which the truth differs from what the shard believes."""

    name: str
    costs: Costs
    wobble: float = 0.0
    """Share by which the number of listeners wanders within a step: people come and go."""


def run(costs: Costs, seed: int, *, dwell: float = DWELL, step: float = STEP) -> Result:
    """Up and down again, with costs as measured, with others than expected, and with a crowd that moves."""
    result = Result("ladder")
    flat = Costs(dict.fromkeys(costs.packet, costs.packet[60]), costs.receive, costs.join, costs.idle)
    cases = (
        Case("costs as measured", costs),
        Case("packets cost the same at every length", flat),
        Case("packets twice as dear as the prior", flat.scaled(packet=2.0)),
        Case("a crowd that comes and goes", costs, wobble=0.03),
    )
    for number, case in enumerate(cases):
        up, late = _sweep(case, seed + number, result if number == 0 else None, dwell, step, downwards=False)
        down, _ = _sweep(case, seed + number, None, dwell, step, downwards=True)
        worst = max(max(up), max(down))
        moved = sum(late) + sum(_)
        seen = f"most {worst} in a step, {sum(up)} up, {sum(down)} down again; {moved} after {SETTLED:.0f} s"
        result.expect(f"<= 2 level changes per step: {case.name}", seen, worst <= 2)
        result.expect(
            f"none periodic: {case.name}", f"at most {max(late + _)} late ones in a step", max(late + _) <= 1
        )
    return result


def _sweep(
    case: Case, seed: int, result: Result | None, dwell: float, step: float, *, downwards: bool
) -> tuple[list[int], list[int]]:
    """Level changes per count: all, and those more than a minute after the count changed."""
    chance = random.Random(seed)
    laws = Laws()
    shard = Shard(0, laws=laws, true=case.costs, chance=chance)
    seats = int(laws.seat_cpu / case.costs.listener(60))
    changes, late = [], []
    percents = list(range(FIRST, LAST + 1, STRIDE))
    now = 0.0
    for percent in reversed(percents) if downwards else percents:
        mean = seats * percent / 100
        before, after_settling = shard.tally.level_changes, None
        for number in range(round(dwell / step)):
            if number * step >= SETTLED and after_settling is None:
                after_settling = shard.tally.level_changes
            if number % 4 == 0:
                shard.crowd = round(mean * (1 + chance.uniform(-case.wobble, case.wobble)))
            shard.step(now, step)
            now += step
            if result is not None and number % 40 == 0:
                result.series.add(
                    now,
                    seated=shard.crowd,
                    level=shard.level,
                    cpu=shard.cpu,
                    lateness_ms=1000 * shard.lateness,
                )
        changes.append(shard.tally.level_changes - before)
        late.append(shard.tally.level_changes - (after_settling or 0))
    return changes, late

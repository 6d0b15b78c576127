"""A rush for the seats of a house, with and without people who never come: how fast it fills."""

from __future__ import annotations

import random
from functools import partial

from simulation.kernel.arrivals import burst
from simulation.kernel.bench_costs import Costs
from simulation.kernel.figure import Result
from simulation.kernel.house import STEP, House, Plan
from simulation.kernel.person import Person
from simulation.kernel.shard import Shard
from stentor.core.admission.seats import offered

START = 5.0  # seconds: T0; before it the shards have been heard, as in every house
FILLED = (
    0.99  # share of the offered seats whose filling is timed: the last few wait for stragglers, not for CPU
)
GONE_FILLED = 0.97  # the same where the first of all who are called leave: a second that nobody can make good
GONE_AT = START  # seconds: whoever is called in the second after it leaves; the first are the most
WAITING = 8  # first contacts that always wait, where the possible rate is measured


def release_law(costs: Costs, seed: int) -> Result:
    """Scenario 10 and the release law: 0, 30 and 60 % of the called never come."""
    result = Result("release")
    plan = Plan(costs, seed=seed, shards=2, max_seats=6000)
    possible = possible_seconds(plan)
    for no_show in (0.0, 0.3, 0.6):
        house = House(plan)
        house.no_show = partial(_share, no_show)
        house.expect(rush(house, 40_000, 10.0))
        house.run(60.0)
        _judge(result, house, possible, f"{no_show:.0%} never come")
        if no_show == 0.3:
            result.series = house.series
    return result


def scenario_1(costs: Costs, seed: int) -> Result:
    """S = 1,000; 10,000 arrive in 5 s."""
    result = Result("scenario-1")
    plan = Plan(costs, seed=seed, shards=1, max_seats=1000)
    house = House(plan)
    house.expect(rush(house, 10_000, 5.0))
    house.run(60.0)
    _judge(result, house, possible_seconds(plan), "10,000 in 5 s")
    late = worst_audio(house)
    result.expect("late or lost <= 0.5 % for the seated", f"{100 * late:.2f} %", late <= 0.005)
    result.series = house.series
    return result


def cohort_leaves(costs: Costs, seed: int) -> Result:
    """Scenario 10: a whole cohort that was called leaves; the house fills all the same."""
    result = Result("scenario-10")
    plan = Plan(costs, seed=seed, shards=2, max_seats=6000)
    possible = possible_seconds(plan, share=GONE_FILLED)
    house = House(plan)
    house.no_show = lambda called_at: 1.0 if GONE_AT <= called_at < GONE_AT + 1.0 else 0.0
    house.expect(rush(house, 40_000, 10.0))
    house.run(60.0)
    _judge(result, house, possible, "everybody called in one second leaves", share=GONE_FILLED)
    result.series = house.series
    return result


def rush(house: House, people: int, seconds: float) -> list[float]:
    """When they come: evenly at random, from T0 on."""
    return [START + time for time in burst(people, seconds, house.chance)]


def possible_seconds(plan: Plan, *, share: float = FILLED) -> float:
    """Seconds in which these shards fill to `share` of what they offer when somebody always wants to join."""
    shards = [
        Shard(
            number,
            laws=plan.laws,
            true=plan.costs,
            chance=random.Random(plan.seed + number),
            cores=plan.cores,
            max_seats=plan.max_seats,
        )
        for number in range(plan.shards)
    ]
    steps = 0
    while sum(shard.listeners for shard in shards) < share * sum(
        offered(shard.seats.total, plan.shards) for shard in shards
    ):
        for shard in shards:
            while shard.contacts < WAITING and shard.contact(Person(0), steps * STEP):
                pass
            shard.step(steps * STEP, STEP)
        steps += 1
        assert steps * STEP < 600.0
    return steps * STEP


def filled_at(house: House, *, share: float = FILLED) -> float:
    """When that share of the seats offered then was taken, on a line between two records; infinite: never."""
    shards = len(house.shards)
    times, seated = house.series.line("seated")
    _, seats = house.series.line("seats")
    for number in range(1, len(times)):
        before, after = seated[number - 1], seated[number]
        wanted = share * offered(int(seats[number]), shards)
        if after >= wanted:
            part = (wanted - before) / (after - before) if after > before else 0.0
            return times[number - 1] + max(0.0, part) * (times[number] - times[number - 1])
    return float("inf")


def worst_audio(house: House) -> float:
    """Share of packets lost or more than 20 ms late, at the worst shard."""
    return max(
        (shard.tally.late + shard.tally.dropped) / max(1.0, shard.tally.sent + shard.tally.dropped)
        for shard in house.shards.values()
    )


def _share(share: float, called_at: float) -> float:
    return share


def _judge(result: Result, house: House, possible: float, what: str, *, share: float = FILLED) -> None:
    took = filled_at(house, share=share) - START
    over = house.oversold
    rate = possible / took
    result.expect(
        f">= 90 % of the possible filling rate: {what}",
        f"{100 * rate:.0f} % ({took:.1f} s of {possible:.1f} s possible)",
        rate >= 0.90,
    )
    result.expect(
        f"0 oversold, 0 errors: {what}", f"{over} over, {house.errors} errors", not over and not house.errors
    )
    full = filled_at(house, share=0.995)
    result.expect(f"never stuck: {what}", f"full after {full - START:.0f} s", full < float("inf"))

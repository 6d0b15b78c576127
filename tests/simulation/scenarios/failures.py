"""Shards that die, links that lose, clients that stop half way, neighbours that take the CPU."""

from __future__ import annotations

from simulation.kernel.bench_costs import Costs
from simulation.kernel.figure import Result
from simulation.kernel.house import AGAIN, BEAT, NOTICED, RECORD, STEP, House, Plan
from simulation.kernel.series import percentile
from simulation.kernel.shard import Shard
from simulation.scenarios.filling import START, filled_at, possible_seconds, rush
from simulation.scenarios.overload import LATE
from stentor.core.admission.seats import offered

SEATED_BY = 60.0  # seconds by which a house of a few thousand is full


def scenario_8(costs: Costs, seed: int) -> Result:
    """One of ten shards is killed while the house is full as offered."""
    result = Result("scenario-8")
    house = House(Plan(costs, seed=seed, shards=10, max_seats=600))
    house.expect(rush(house, 8000, 5.0))
    house.run(SEATED_BY)
    full = house.seated
    back = house.lose(3, come_back=1.0)
    came: list[tuple[bool, float]] = []
    house.on_seated = lambda person, now: came.append((person.returning, now - SEATED_BY))
    house.run(SEATED_BY + 20.0)
    in_time = sum(returning and took <= 15.0 for returning, took in came)
    over = house.oversold
    result.expect(
        ">= 95 % of the dead shard's listeners back within 15 s",
        f"{100 * in_time / back:.1f} % of {back} ({full} seated before)",
        in_time >= 0.95 * back,
    )
    last = max((took for returning, took in came if returning), default=0.0)
    early = sum(not returning and took < last for returning, took in came)
    result.expect(
        "new joins wait until then",
        f"{early} new before the last of them at {last:.1f} s",
        early <= 0.02 * back,
    )
    result.expect("nobody over S", f"{over}", over == 0)
    result.series = house.series
    return result


def scenario_9(costs: Costs, seed: int) -> Result:
    """Everybody leaves, a quarter returns at once, with a line waiting."""
    result = Result("scenario-9")
    house = House(Plan(costs, seed=seed, shards=2, max_seats=4000))
    house.expect(rush(house, 12_000, 5.0))
    house.run(SEATED_BY)
    came: list[tuple[bool, float]] = []
    house.on_seated = lambda person, now: came.append((person.returning, now - SEATED_BY))
    everybody = [person for shard in house.shards.values() for person in shard.listening]
    back = house.scatter(everybody, come_back=0.25)
    house.run(SEATED_BY + 40.0)
    returned = [took for returning, took in came if returning]
    new = [took for returning, took in came if not returning]
    share = len(returned) / back
    result.expect("all who return have a seat again", f"{100 * share:.1f} % of {back}", share == 1.0)
    slow = percentile(returned, 0.95)
    # Credits are heard of a second later, and who finds none asks again, perhaps twice.
    allowed = NOTICED[1] + _seconds_for(house, 0.95 * back, SEATED_BY) + BEAT + 2 * AGAIN
    result.expect(
        "95 % of them as fast as credits allow", f"{slow:.1f} s, {allowed:.1f} s allowed", slow <= allowed
    )
    medians = percentile(returned, 0.5), percentile(new, 0.5)
    result.expect(
        "returning listeners first",
        f"median {medians[0]:.1f} s, of new ones {medians[1]:.1f} s",
        medians[0] < medians[1],
    )
    house.run(SEATED_BY + 60.0)
    offers = [offered(shard.seats.total, len(house.shards)) for shard in house.shards.values()]
    times, seated = house.series.line("seated")
    full = next(
        time
        for time, there in zip(times, seated, strict=True)
        if time > SEATED_BY and there >= 0.9 * sum(offers)
    )
    took = full - SEATED_BY
    possible = _seconds_for(house, 0.9 * sum(offers), SEATED_BY)
    # Whoever waits at a full house looks every 5 s, in a line that moves every second or later.
    result.expect(
        "90 % of the seats taken again, soon after credits allow it",
        f"{took:.1f} s, {possible:.1f} s possible",
        took <= possible / 0.9 + 1.2 * house.plan.laws.poll_full,
    )
    result.series = house.series
    return result


def _seconds_for(house: House, joins: float, start: float) -> float:
    """Seconds from `start` in which the credits that were granted allow so many joins."""
    seconds = 0.0
    for rate in house.series.values("credits", start):
        if joins <= 0:
            break
        joins -= rate * RECORD
        seconds += RECORD
    return seconds


def scenario_14(costs: Costs, seed: int) -> Result:
    """Joins under 10 % loss: attempts that fail cost their CPU and come again."""
    result = Result("scenario-14")
    plan = Plan(costs, seed=seed, shards=2, max_seats=4000, lossy=0.1)
    house = House(plan)
    house.expect(rush(house, 12_000, 5.0))
    house.run(SEATED_BY)
    possible = possible_seconds(plan) / 0.9
    took = filled_at(house) - START
    result.expect(
        ">= 90 % of the possible filling rate, a tenth of the attempts lost",
        f"{100 * possible / took:.0f} % ({took:.1f} s of {possible:.1f} s possible)",
        possible >= 0.9 * took,
    )
    result.expect("never stuck", f"{house.seated} of 4000 seated", house.seated >= 0.995 * 4000)
    result.series = house.series
    return result


def scenario_15(costs: Costs, seed: int) -> Result:
    """Capsules of which nothing comes, and first contacts that never begin their handshake."""
    result = Result("scenario-15")
    plan = Plan(costs, seed=seed, shards=1, max_seats=1000)
    house = House(plan)
    shard = house.shards[0]
    held: list[bool] = []
    # Three hundred half-open contacts take seats just before everybody comes.
    house.timeline.at(START, lambda now: held.extend(shard.silent_contact(now) for _ in range(300)))
    before = shard.seats.total
    house.expect(time + 0.1 for time in rush(house, 3000, 5.0))
    freed: list[float] = []
    house.timeline.every(0.1, lambda now: freed.append(now) if now > START and shard.half_open == 0 else None)
    house.run(40.0)
    assert sum(held) == 300
    back = freed[0] - START
    result.expect("seats of half-open contacts back within 6 s", f"{back:.1f} s", back <= 6.0)
    full = filled_at(house, share=0.995) - START
    result.expect("the house fills all the same", f"{house.seated} of {before}, {full:.1f} s", full <= 15.0)
    result.expect("0 oversold", f"{house.oversold}", house.oversold == 0)
    result.series = house.series
    return result


def scenario_16(costs: Costs, seed: int) -> Result:
    """CPU stolen from one shard of two: credits down, packets longer, the neighbour takes over."""
    result = Result("scenario-16")
    for stolen in (0.5, 0.8):
        _steal(result, costs, seed, stolen)
    return result


def _steal(result: Result, costs: Costs, seed: int, stolen: float) -> None:
    house = House(Plan(costs, seed=seed, shards=2))
    victim, neighbour = house.shards[0], house.shards[1]
    # So short that seats are no limit: of a full house the robbed shard could do its half, and keep it.
    house.stays = 12.0
    house.expect(rush(house, 40_000, 60.0))
    when = START + 20.0
    house.run(when)
    rate, level = victim.credits.rate, victim.level
    victim.stolen = lambda now: stolen
    watch = _Watch(victim, rate, level, began=when)
    for number in range(round(20.0 / STEP)):
        house.run(when + (number + 1) * STEP)
        watch.look(number * STEP)
    name = f"{stolen:.0%} of the CPU stolen"
    result.expect(f"credits down within 500 ms: {name}", f"{watch.credits_at:.2f} s", watch.credits_at <= 0.5)
    seen = f"{watch.level_at:.2f} s, {level} to {victim.level} ms"
    result.expect(f"ladder up within 1 s: {name}", seen, watch.level_at <= 1.0 or level == 120)
    joins = {shard.number: _joins_since(shard, when + 5) for shard in (victim, neighbour)}
    result.expect(
        f"the neighbour takes over: {name}",
        f"{joins[1]} joins there, {joins[0]} here",
        joins[1] > joins[0],
    )
    house.run(when + 60.0)
    heard = house.series.values("heard_ms", when + 20.0, when + 60.0)
    late = sum(value > LATE for value in heard) / len(heard)
    result.expect(f"the seated in time again after 20 s: {name}", f"{100 * late:.0f} % late", late <= 0.15)
    if stolen == 0.8:
        result.series = house.series


class _Watch:
    """When credits and level of a shard changed, after the theft."""

    def __init__(self, shard: Shard, rate: float, level: int, *, began: float) -> None:
        self._began = began
        self.credits_at = self.level_at = float("inf")
        self._shard, self._rate, self._level = shard, rate, level

    def look(self, since: float) -> None:
        if self._shard.credits.rate < 0.95 * self._rate or self._shard.credits.is_paused(self._began + since):
            self.credits_at = min(self.credits_at, since)
        if self._shard.level > self._level:
            self.level_at = min(self.level_at, since)


def _joins_since(shard: Shard, start: float) -> int:
    return sum(seated >= start for seated in shard.seated_times)

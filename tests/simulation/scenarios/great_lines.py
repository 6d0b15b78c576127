"""A million who wait, a lottery before the start, and fifty who never notice that there is a line at all."""

from __future__ import annotations

from simulation.kernel.arrivals import burst
from simulation.kernel.bench_costs import Costs
from simulation.kernel.figure import Result
from simulation.kernel.house import House, Plan
from simulation.kernel.person import Person
from simulation.kernel.waiting import ticket_id
from simulation.scenarios.filling import START, filled_at, possible_seconds
from stentor.core.admission.arrivals import merged
from stentor.core.admission.laws import Laws
from stentor.core.admission.line import Lottery, draw

MILLION = 1_000_000
HALF_HOUR = 1800.0  # seconds over which they came, before the doors opened
DOORS = 600.0  # seconds for which people came before the start of the lottery
SEED = bytes(range(32))


def million(costs: Costs, seed: int, *, people: int = MILLION) -> Result:
    """Scenario 3 in simulation: a million tickets, and what they cost while they wait."""
    result = Result("million")
    seats = round(0.72 * Laws().seat_cpu / costs.listener(60))  # up to here packets of 60 ms are long enough
    plan = Plan(costs, seed=seed, shards=10, gateways=4, max_seats=seats, start=HALF_HOUR)
    house = House(plan)
    house.enqueue(burst(people, HALF_HOUR, house.chance))
    order = _Order(house)
    house.run(HALF_HOUR + 60.0)
    waiting = len(house.waiting)
    _bounds(result, house, people)
    result.expect(
        "called in the order of arrival", f"{order.turned} called before an earlier one", order.turned == 0
    )
    first = next(time for time, seated in zip(*house.series.line("seated"), strict=True) if seated)
    seen = f"{first - HALF_HOUR:.1f} s"
    result.expect("the first are seated within 5 s of the doors", seen, first - HALF_HOUR <= 5.0)
    took, possible = filled_at(house) - first, possible_seconds(plan)
    rate = possible / took
    result.expect(
        f">= 90 % of the possible filling rate, {people:,} waiting",
        f"{100 * rate:.0f} % ({took:.1f} s of {possible:.1f} s possible)",
        rate >= 0.90,
    )
    late = [count for second, count in house.posts.items() if second >= HALF_HOUR + 50]
    most = max(late, default=0)
    result.expect(
        "requests of those who wait reach no gateway",
        f"{most} a second with {waiting:,} waiting",
        most <= 0.01 * waiting,
    )
    result.series = house.series
    return result


def lottery(costs: Costs, seed: int) -> Result:
    """More came before the start than there are seats: coming a second earlier is worth nothing."""
    result = Result("lottery")
    start_ms = round(1000 * DOORS)
    plan = Plan(costs, seed=seed, shards=2, max_seats=2000, lottery=Lottery(start_ms, SEED), start=DOORS)
    house = House(plan)
    house.enqueue(burst(5000, DOORS - 1.0, house.chance))
    seated: list[Person] = []
    house.on_seated = lambda person, now: seated.append(person)
    house.run(DOORS + 60.0)
    early = sum(person.arrived < DOORS / 2 for person in seated)
    share = early / len(seated)
    result.expect(
        "the first half to come has half of the seats", f"{100 * share:.1f} %", 0.45 <= share <= 0.55
    )
    highest = max(draw(SEED, ticket_id(person.number)) for person in seated)
    numbers = sorted(draw(SEED, ticket_id(number)) for number in range(1, 5001))
    below = sum(number <= highest for number in numbers)
    result.expect(
        "seats go to the lowest draws", f"{len(seated)} seated of {below} called", below <= 1.35 * len(seated)
    )
    result.series = house.series
    return result


def small_event(costs: Costs, seed: int) -> Result:
    """Fifty listeners, room in the house, the CPU away for 100 ms every 10 s."""
    result = Result("small-event")
    house = House(Plan(costs, seed=seed, shards=1, gateways=1))
    house.shards[0].stolen = lambda now: 1.0 if now % 10.0 < 0.1 else 0.0
    house.expect(START + time for time in burst(50, 60.0, house.chance))
    house.run(START + 90.0)
    posts = sum(house.posts.values())
    result.expect(
        "one POST each, all with a seat", f"{posts} POSTs, {house.seated} seated", posts == 50 == house.seated
    )
    tickets = sum(gateway.answers["ticket"] for gateway in house.gateways)
    result.expect("no ticket", f"{tickets}", tickets == 0)
    changes = house.shards[0].tally.level_changes
    result.expect("ptime constant", f"{changes} level changes", changes == 0)
    result.series = house.series
    return result


class _Order:
    """Counts who is called although somebody who came earlier is not."""

    def __init__(self, house: House) -> None:
        self.turned = 0
        self._newest = float("-inf")
        house.on_called = self._look

    def _look(self, arrival_ms: int, now: float) -> None:
        self.turned += arrival_ms < self._newest
        self._newest = max(self._newest, arrival_ms)


def _bounds(result: Result, house: House, people: int) -> None:
    """What a line of any length may take."""
    laws = house.plan.laws
    reports = [
        (gateway.id, report) for gateway in house.gateways if (report := gateway.report(house.timeline.now))
    ]
    arrivals = merged(laws, {name: report.arrivals for name, report in reports})
    buckets, points = len(arrivals.counts()), len(arrivals.curve(laws.line_curve))
    result.expect(
        f"the line's size does not grow: {people:,} waiting",
        f"{buckets} of {laws.line_buckets} buckets, {points} of {laws.line_curve} points",
        buckets <= laws.line_buckets and points <= laws.line_curve,
    )
    over = house.oversold
    result.expect(
        "0 oversold, 0 errors", f"{over} over, {house.errors} errors", not over and not house.errors
    )

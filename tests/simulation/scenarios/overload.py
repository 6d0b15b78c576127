"""Ten times what a house can take, for ten minutes: it goes on seating as many as at its best."""

from __future__ import annotations

from itertools import pairwise

from simulation.kernel.arrivals import burst, diurnal, poisson
from simulation.kernel.bench_costs import Costs
from simulation.kernel.figure import Result
from simulation.kernel.house import RECORD, House, Plan
from simulation.kernel.person import Person
from simulation.scenarios.filling import START, worst_audio

SEATS = 1500  # per shard
STAY = 10.0  # seconds, mean: people come and go so fast that seats, too, are asked for ten times over
TENFOLD = 10.0
SECONDS = 600.0
WINDOW = 30.0  # seconds over which goodput is counted: chance alone moves a shorter one by several per cent
LATE = 40.0  # ms, p99: what the seated may hear for a second
FIRST_SEATED = 10**6  # numbers of people who are there from the start
MOST_STOLEN = 0.5
CROWDS = (  # (times S, CPU gone, times as dear); 74 % is the most that packets of 60 ms are enough for
    (1.2, 0.0, 1.0),
    (1.0, 0.33, 1.0),
    (0.74, 0.33, 1.0),
    (0.74, MOST_STOLEN, 1.0),
    (0.74, 0.0, 2.0),
)
WARM = 30.0  # seconds until the house is full


def scenario_2(costs: Costs, seed: int, *, seconds: float = SECONDS) -> Result:
    """Arrivals at ten times the rate at which seats become free."""
    result = Result("scenario-2")
    house = House(Plan(costs, seed=seed, shards=2, max_seats=SEATS))
    house.stays = STAY
    rate = TENFOLD * SEATS / STAY  # two shards offer half of their seats each
    house.expect(START + time for time in poisson(rate, seconds, house.chance))
    house.run(START + seconds)
    goods = _goodput(house, START + WARM, START + seconds)
    mean = sum(goods) / len(goods)
    peak = max(goods)
    over = house.oversold
    late = worst_audio(house)
    seen = f"{100 * mean / peak:.1f} % of {peak:.0f} joins/s, at {rate:,.0f} arrivals/s"
    result.expect("goodput >= 95 % of its peak at ten times the load", seen, mean >= 0.95 * peak)
    worst = min(goods)
    result.expect(
        "no half minute below 90 % of the mean", f"{100 * worst / mean:.0f} %", worst >= 0.90 * mean
    )
    result.expect(
        "0 oversold, 0 errors", f"{over} over, {house.errors} errors", not over and not house.errors
    )
    result.expect("late or lost <= 0.5 % for the seated", f"{100 * late:.2f} %", late <= 0.005)
    result.notes.append(f"{len(house.waiting):,} wait at the end of scenario 2, in order and without cost")
    result.series = house.series
    return result


def tides(costs: Costs, seed: int, *, seconds: float = SECONDS) -> Result:
    """A crowd that swells beyond what the house takes and ebbs again, twice: the line opens and closes."""
    result = Result("tides")
    house = House(Plan(costs, seed=seed, shards=2, max_seats=SEATS))
    house.stays = STAY
    mean = 0.6 * SEATS / STAY
    house.expect(START + time for time in diurnal(mean, 0.9, seconds, house.chance, day=seconds / 2))
    house.run(START + seconds + 60.0)
    left = len(house.waiting)
    result.expect("nobody is left waiting when the crowd is gone", f"{left} wait", left == 0)
    levels = sum(shard.tally.level_changes for shard in house.shards.values())
    allowed = 2 * 2 * 2 * 3  # two tides up and down, two shards, at most three rungs each way
    result.expect(f"<= {allowed} level changes in two tides", f"{levels}", levels <= allowed)
    result.expect("0 errors", f"{house.errors}", not house.errors)
    result.series = house.series
    return result


def _goodput(house: House, start: float, end: float) -> list[float]:
    """Joins a second, window by window."""
    times, joined = house.series.line("joined")
    count = dict(zip((round(time, 2) for time in times), joined, strict=True))
    steps = int((end - start) // WINDOW)
    marks = [count[round(start + WINDOW * step, 2)] for step in range(steps + 1)]
    return [(after - before) / WINDOW for before, after in pairwise(marks)]


def beyond_seats(costs: Costs, seed: int) -> Result:
    """More listeners than seats, as when S has fallen: the ladder, then shedding keep the sound in time."""
    result = Result("beyond-seats")
    for factor, stolen, dearer in CROWDS:
        house = _crowded(costs, seed, factor, stolen, dearer)
        house.run(START + 60.0)
        longest = longest_late(house, START, START + 60.0)
        name = f"{factor:.0%} of S, {stolen:.0%} of the CPU gone, packets {dearer:g} x as dear"
        worst = max(house.series.values("heard_ms", START, START + 60.0))
        seen = f"{longest:.2f} s, {worst:.0f} ms at worst, then {house.shards[0].level} ms a packet"
        result.expect(f"never above 40 ms for more than 1 s: {name}", seen, longest <= 1.0)
        if stolen == MOST_STOLEN:
            result.series = house.series
    house = _crowded(costs, seed, 1.2, 0.5, 1.0)
    house.run(START + 120.0)
    late = longest_late(house, START + 60.0, START + 120.0)
    share = house.moved / (house.moved + house.seated)
    result.expect(
        "shedding ends what longer packets cannot, within 60 s", f"{late:.2f} s late after that", late <= 1.0
    )
    result.expect("no more than 30 % asked to move", f"{100 * share:.1f} %", share <= 0.30)
    return result


def longest_late(house: House, start: float, end: float) -> float:
    """Seconds for which the p99 of the packets' lateness was above 40 ms without a break."""
    late = [value > LATE for value in house.series.values("heard_ms", start, end)]
    return RECORD * max(len(run) for run in "".join("x" if one else " " for one in late).split(" "))


def _crowded(costs: Costs, seed: int, factor: float, stolen: float, dearer: float) -> House:
    """One shard with so many times its seats taken; people at its door and less CPU from T0 on."""
    house = House(Plan(costs, seed=seed, shards=1))
    shard = house.shards[0]
    seats = round(factor * shard.laws.seat_cpu / costs.listener(60))
    shard.stolen = lambda now: stolen if now >= START else 0.0
    for number in range(seats):
        shard.place(Person(FIRST_SEATED + number), START * number / seats)
    house.expect(START + time for time in burst(40_000, 60.0, house.chance))
    house.run(START)
    shard.true = costs.scaled(packet=dearer)
    return house

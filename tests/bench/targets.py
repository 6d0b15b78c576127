"""The figures to reach, and how far a run is from them. What was not measured says so."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from bench.rows import COUNTS, TURNS, Found, of_turn, turns_of
from bench.samples import Sample

NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Target:
    """One line."""

    what: str
    wanted: str
    measured: str
    reached: bool | None
    """None: not measured."""

    def __str__(self) -> str:
        word = {True: "reached", False: "**not reached**", None: ""}[self.reached]
        return f"| {self.what} | {self.wanted} | {self.measured} | {word} |"


def judge(found: Found) -> list[Target]:
    """Every figure to reach that a bench can measure."""
    return [
        _rate(found, 20),
        _rate(found, 60),
        *(_cost(found, 60, count) for count in COUNTS),
        *(_cost(found, 20, count) for count in COUNTS[:2]),
        _against_janus(found, 20, 4),
        _share_of_bare(found),
        _against_janus(found, 60, 10),
        _joins_empty(found),
        *_joins_seated(found),
        _join_growth(found),
        _memory(found),
        _gateway(found, "tickets", "tickets/s of one gateway on one core", 2000),
        _gateway(found, "status", "status bodies/s of one gateway on one core, kept alive", 8000),
    ]


def net_us(sample: Sample, idle: Sample) -> float:
    """CPU per packet without what the server uses for one listener alone."""
    return 1e6 * max(0.0, sample.cpu - idle.cpu) / (sample.packets_per_second - idle.packets_per_second)


def bytes_per_seat(found: Found, server: str) -> float | None:
    """Growth of resident memory from the smallest count to the largest."""
    few = found.typical_number(f"{server} 60 resident {COUNTS[0]}")
    many = found.typical_number(f"{server} 60 resident {COUNTS[-1]}")
    return None if few is None or many is None else (many - few) / (COUNTS[-1] - COUNTS[0])


def _of_turns(ratios: list[float], form: str) -> str:
    """How the median came about."""
    return f", median of {', '.join(format(ratio, form) for ratio in ratios)}" if len(ratios) > 1 else ""


def _rate(found: Found, ptime: int) -> Target:
    what = f"packets/s of the native core against bare `sendmmsg`, {ptime} ms"
    shares = []
    for turn in range(1, TURNS + 1):
        most = found.samples.get(of_turn(f"native {ptime} most", turn))
        counts = [count for count in COUNTS if most is not None and count <= most.listeners]
        bare = found.numbers.get(of_turn(f"bare {ptime} most {counts[-1]}", turn)) if counts else None
        if most is not None and bare:
            shares.append(100 * most.packets_per_second / bare)
    if not shares:
        return Target(what, ">= 75 %", NOT_MEASURED, None)
    share = median(shares)
    return Target(what, ">= 75 %", f"{share:.0f} %{_of_turns(shares, '.0f')}", share >= 75)


def _cost(found: Found, ptime: int, count: int) -> Target:
    what = f"CPU per packet at {count:,} listeners against bare, {ptime} ms"
    names = (f"native {ptime} {count}", f"native {ptime} idle", f"bare {ptime} {count}")
    whole, net = [], []
    for native, idle, bare in zip(*(map(found.samples.get, turns_of(name)) for name in names), strict=True):
        if native is not None and idle is not None and bare is not None and bare.us_per_packet:
            whole.append(native.us_per_packet / bare.us_per_packet)
            net.append(net_us(native, idle) / bare.us_per_packet)
    if not whole:
        return Target(what, "<= 1.35 x", NOT_MEASURED, None)
    measured = f"{median(whole):.2f} x{_of_turns(whole, '.2f')} ({median(net):.2f} x without the idle server)"
    return Target(what, "<= 1.35 x", measured, median(whole) <= 1.35)


def _against_janus(found: Found, ptime: int, times: int) -> Target:
    goal = ", goal 15,000" if ptime == 60 else ""
    what, wanted = f"listeners at {ptime} ms against Janus", f">= {times} x{goal}"
    pairs = []
    for name, other in zip(turns_of(f"native {ptime} most"), turns_of("janus 20 most"), strict=True):
        native, janus = found.samples.get(name), found.samples.get(other)
        if native is not None and janus is not None:
            pairs.append(
                (native.listeners / janus.listeners, f"{native.listeners:,} and {janus.listeners:,}")
            )
    if not pairs:
        return Target(what, wanted, NOT_MEASURED, None)
    ratio = median(ratio for ratio, _ in pairs)
    counts = "; ".join(f"{each:.1f}: {text}" for each, text in pairs)
    return Target(what, wanted, f"{ratio:.1f} x, median of {counts}", ratio >= times)


def _share_of_bare(found: Found) -> Target:
    what, wanted = "the same against what bare `sendmmsg` allows", "goal 90 %"
    shares = []
    for name, other in zip(turns_of("native 20 most"), turns_of(f"bare 20 most {COUNTS[2]}"), strict=True):
        native, bare = found.samples.get(name), found.numbers.get(other)
        if native is not None and bare:
            shares.append(100 * native.listeners * 50 / bare)
    if not shares:
        return Target(what, wanted, NOT_MEASURED, None)
    share = median(shares)
    return Target(what, wanted, f"{share:.0f} %{_of_turns(shares, '.0f')}", share >= 90)


def _joins_empty(found: Found) -> Target:
    return _joins(found, "full joins/s into an empty shard", "20 joins empty", 400, ", goal 600")


def _joins(found: Found, what: str, name: str, least: int, goal: str = "") -> Target:
    wanted = f">= {least}{goal}"
    rates = [rate for rate in map(found.numbers.get, turns_of(f"native {name}")) if rate is not None]
    if not rates:
        return Target(what, wanted, NOT_MEASURED, None)
    return Target(what, wanted, f"{median(rates):.0f}{_of_turns(rates, '.0f')}", median(rates) >= least)


def _joins_seated(found: Found) -> list[Target]:
    first = _joins(found, "the same into 5,000 seated at 60 ms", "60 joins 5000", 250)
    storms = [one for one in map(found.samples.get, turns_of("native 60 storm")) if one is not None]
    if not storms:
        return [first]
    p99, loss = max(storm.p99 for storm in storms), max(storm.loss for storm in storms)
    lost = f"p99 {1000 * p99:.0f} ms, lost {100 * loss:.3f} %: the worst of {len(storms)}"
    return [
        first,
        Target("meanwhile the seated", "p99 < 20 ms, lose nothing", lost, p99 < 0.02 and loss <= 0),
    ]


def _join_growth(found: Found) -> Target:
    what = "server CPU per join at 10,000 seated against 100, 60 ms"
    names = (turns_of(f"native 60 join ms {count}") for count in (COUNTS[0], COUNTS[-1]))
    costs = [(found.numbers.get(few), found.numbers.get(many)) for few, many in zip(*names, strict=True)]
    ratios = [many / few for few, many in costs if few is not None and many is not None and few > 0]
    if not ratios:
        return Target(what, "<= 1.2 x", NOT_MEASURED, None)
    ratio = median(ratios)
    return Target(what, "<= 1.2 x", f"{ratio:.2f} x{_of_turns(ratios, '.2f')}", ratio <= 1.2)


def _memory(found: Found) -> Target:
    what, each = "memory of the relay per seated listener (RSS)", bytes_per_seat(found, "native")
    if each is None:
        return Target(what, "<= 4 KiB", NOT_MEASURED, None)
    return Target(what, "<= 4 KiB", f"{each / 1024:.1f} KiB", each <= 4096)


def _gateway(found: Found, name: str, what: str, least: int) -> Target:
    rate = found.numbers.get(f"gateway {name}")
    if rate is None:
        return Target(what, f">= {least:,}", NOT_MEASURED, None)
    return Target(what, f">= {least:,}", f"{rate:,.0f}", rate >= least)

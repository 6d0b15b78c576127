"""The figures to reach, and how far a run is from them. What was not measured says so."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from bench.rows import COUNTS, Found, turns_of
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
    few = found.numbers.get(f"{server} 60 resident {COUNTS[0]}")
    many = found.numbers.get(f"{server} 60 resident {COUNTS[-1]}")
    return None if few is None or many is None else (many - few) / (COUNTS[-1] - COUNTS[0])


def _rate(found: Found, ptime: int) -> Target:
    what = f"packets/s of the native core against bare `sendmmsg`, {ptime} ms"
    most = found.samples.get(f"native {ptime} most")
    counts = [count for count in COUNTS if most is not None and count <= most.listeners]
    bare = found.typical_number(f"bare {ptime} most {counts[-1]}") if counts else None
    if most is None or bare is None:
        return Target(what, ">= 75 %", NOT_MEASURED, None)
    share = most.packets_per_second / bare
    return Target(
        what, ">= 75 %", f"{100 * share:.0f} % ({most.packets_per_second:,.0f} of {bare:,.0f})", share >= 0.75
    )


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
    each = f", median of {', '.join(f'{ratio:.2f}' for ratio in whole)}" if len(whole) > 1 else ""
    measured = f"{median(whole):.2f} x{each} ({median(net):.2f} x without the idle server)"
    return Target(what, "<= 1.35 x", measured, median(whole) <= 1.35)


def _against_janus(found: Found, ptime: int, times: int) -> Target:
    goal = ", goal 15,000" if ptime == 60 else ""
    what, wanted = f"listeners at {ptime} ms against Janus", f">= {times} x{goal}"
    native, janus = found.samples.get(f"native {ptime} most"), found.samples.get("janus 20 most")
    if native is None or janus is None:
        return Target(what, wanted, NOT_MEASURED, None)
    ratio = native.listeners / janus.listeners
    return Target(what, wanted, f"{native.listeners:,} = {ratio:.1f} x {janus.listeners:,}", ratio >= times)


def _share_of_bare(found: Found) -> Target:
    what, wanted = "the same against what bare `sendmmsg` allows", "goal 90 %"
    native, bare = found.samples.get("native 20 most"), found.typical_number(f"bare 20 most {COUNTS[2]}")
    if native is None or not bare:
        return Target(what, wanted, NOT_MEASURED, None)
    share = native.listeners * 50 / bare
    return Target(what, wanted, f"{100 * share:.0f} % of {bare / 50:,.0f}", share >= 0.9)


def _joins_empty(found: Found) -> Target:
    what, rate = "full joins/s into an empty shard", found.typical_number("native 20 joins empty")
    if rate is None:
        return Target(what, ">= 400, goal 600", NOT_MEASURED, None)
    return Target(what, ">= 400, goal 600", f"{rate:.0f}", rate >= 400)


def _joins_seated(found: Found) -> list[Target]:
    what, rate = "the same into 5,000 seated at 60 ms", found.numbers.get("native 60 joins 5000")
    sample = found.samples.get("native 60 storm")
    if rate is None or sample is None:
        return [Target(what, ">= 250", NOT_MEASURED, None)]
    lost = f"p99 {1000 * sample.p99:.0f} ms, lost {100 * sample.loss:.3f} %"
    return [
        Target(what, ">= 250", f"{rate:.0f}", rate >= 250),
        Target(
            "meanwhile the seated", "p99 < 20 ms, lose nothing", lost, sample.p99 < 0.02 and sample.loss <= 0
        ),
    ]


def _join_growth(found: Found) -> Target:
    what = "server CPU per join at 10,000 seated against 100, 60 ms"
    few, many = (found.numbers.get(f"native 60 join ms {count}") for count in (COUNTS[0], COUNTS[-1]))
    if few is None or many is None or few <= 0:
        return Target(what, "<= 1.2 x", NOT_MEASURED, None)
    return Target(what, "<= 1.2 x", f"{many / few:.2f} x ({many:.2f} ms, {few:.2f} ms)", many / few <= 1.2)


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

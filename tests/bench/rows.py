"""What the bench measures, one function per server; each returns what it found by name."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench import bare, joins
from bench.gateway_rates import rates
from bench.janus_process import AUDIO_PORT, STREAM, running_janus
from bench.link import Link
from bench.machine import CoreTime, resident_bytes
from bench.profile import profile
from bench.samples import JOINED, LENIENT, STRICT, Sample, climb, measure, measure_twice, say
from bench.stentor_server import Running, Variant, options_of, running
from stentor_loadtest.swarm.crowd import Crowd
from stentor_loadtest.swarm.janus import JanusSignalling

COUNTS = (100, 1000, 5000, 10_000)
TURNS = (
    3  # native, Janus and bare, one after the other: a machine is a third quicker or slower within minutes
)
TAG = 16  # bytes that SRTP adds to a packet (RFC 7714)
BUDGET = 300.0  # seconds for one climb: a slow machine takes four minutes to seat 15,000


@dataclass(slots=True)
class Found:
    """Everything of one run."""

    samples: dict[str, Sample] = field(default_factory=dict)
    """By `server ptime count`, such as `native 60 1000`, in a later turn `native 60 1000 #2`; `most` for the
    most that kept the limits, `beyond` for the first that did not."""
    numbers: dict[str, float] = field(default_factory=dict)
    """By name, as the samples."""
    notes: list[str] = field(default_factory=list)
    sizes: dict[int, int] = field(default_factory=dict)
    """Bytes of UDP payload at a ptime, from the first Stentor server measured."""
    profile: str = ""

    def typical(self, name: str) -> Sample | None:
        """The one of all turns with the median count of listeners, or if that is one, the median cost."""
        every = [sample for sample in map(self.samples.get, turns_of(name)) if sample is not None]
        every.sort(key=lambda sample: (sample.listeners, sample.us_per_packet))
        return every[(len(every) - 1) // 2] if every else None

    def typical_number(self, name: str) -> float | None:
        """The median of all turns."""
        every = [number for number in map(self.numbers.get, turns_of(name)) if number is not None]
        return statistics.median(every) if every else None


@dataclass(frozen=True, slots=True)
class Bench:
    """Where one run takes place."""

    folder: Path
    link: Link
    """Of Stentor and of the bare sender."""
    veth: Link
    """Of Janus."""
    program: Path
    """The bare sender."""
    found: Found


async def stentor(bench: Bench, variant: Variant, steps: list[int], turn: int = 1) -> None:
    """Costs at the fixed counts, joins on the way, then up to the most it holds."""
    options = options_of(variant)
    if options is None:
        bench.found.notes.append(f"{variant}: this build of the server does not have it")
        return
    with running(bench.folder / f"{variant} {turn}".replace(" ", "-"), bench.link, options) as server:
        crowd = server.crowd(steps[-1] + 2000)
        crowd.open()
        try:
            whole = await _costs(bench, variant, steps, server, crowd, turn)
            if whole:
                await _most(bench, variant, steps, server, crowd, turn)
        finally:
            await crowd.close()


async def _costs(
    bench: Bench, variant: Variant, steps: list[int], server: Running, crowd: Crowd, turn: int
) -> bool:
    """At each count up to the first step; whether the limits were kept at all of them."""
    found, name = bench.found, f"{variant.media} {variant.ptime}"
    if variant.ptime == 20:
        rate = found.numbers[of_turn(f"{name} joins empty", turn)] = await joins.storm(crowd, 600)
        say(f"{rate:.0f} joins/s into the empty server")
        await crowd.leave()
        crowd.members.clear()
    await crowd.join(1)
    found.samples[of_turn(f"{name} idle", turn)] = await measure(crowd, server.core, settle=JOINED)
    for count in [count for count in COUNTS if count <= steps[0]]:
        await crowd.join(count - len(crowd.members), at_once=32)
        sample = await measure_twice(crowd, server.core, STRICT, settle=JOINED)
        found.samples[of_turn(f"{name} {count}", turn)] = sample
        found.sizes.setdefault(variant.ptime, round(sample.bytes_per_packet))
        if not sample.keeps(STRICT):
            found.samples.setdefault(of_turn(f"{name} beyond", turn), sample)
            return False
        found.samples[of_turn(f"{name} most", turn)] = sample
        await _at(bench, variant, count, server, crowd, turn)
    return True


async def _most(
    bench: Bench, variant: Variant, steps: list[int], server: Running, crowd: Crowd, turn: int
) -> None:
    """Up to the most it holds."""
    found, name = bench.found, f"{variant.media} {variant.ptime}"
    deadline = time.monotonic() + BUDGET
    best, worse = await climb(
        crowd, server.core, steps, STRICT, deadline=deadline, on_sample=partial(_keep, found, name, turn)
    )
    if best is not None:
        found.samples[of_turn(f"{name} most", turn)] = best
    if worse is None:
        found.notes.append(f"{variant}, turn {turn}: the climb ended before a limit was met")
    elif worse.generator_drops:
        found.notes.append(f"{variant}, turn {turn}: the swarm was the limit at {worse.listeners} listeners")
    else:
        found.samples[of_turn(f"{name} beyond", turn)] = worse


def _keep(found: Found, name: str, turn: int, count: int, sample: Sample) -> None:
    if count in COUNTS:
        found.samples.setdefault(of_turn(f"{name} {count}", turn), sample)


async def _at(bench: Bench, variant: Variant, count: int, server: Running, crowd: Crowd, turn: int) -> None:
    """What is measured on the way at some count, at the long ptime only."""
    if variant.ptime == 20:
        return
    found, name = bench.found, f"{variant.media} {variant.ptime}"
    if count in (COUNTS[0], COUNTS[-1]):
        found.numbers[of_turn(f"{name} resident {count}", turn)] = resident_bytes(server.pid)
        cost = found.numbers[of_turn(f"{name} join ms {count}", turn)] = await joins.cost(crowd, server.core)
        say(f"{cost:.2f} ms of the server's CPU per join")
    if count == 5000:
        seated = await joins.storm_into(crowd, server.core, 1300)
        found.numbers[of_turn(f"{name} joins 5000", turn)] = seated.joins_per_second
        found.samples[of_turn(f"{name} storm", turn)] = seated.sample
        say(f"{seated.joins_per_second:.0f} joins/s into {count} seated: {seated.sample}")
        if variant.media == "native" and turn == 1:
            found.profile = profile(server.pid)


async def gateway(bench: Bench) -> None:
    """How many pages one gateway answers."""
    for name, rate in (await rates(bench.folder, say)).items():
        bench.found.numbers[f"gateway {name}"] = rate.per_second
        bench.found.numbers[f"gateway {name} cpu"] = rate.cpu
        if rate.failures:
            bench.found.notes.append(f"gateway, {name}: {rate.failures} requests failed")


def bare_rows(bench: Bench, ptime: int, turn: int = 1) -> None:
    """The bare sender at every count."""
    size = size_at(bench.found.sizes, ptime)
    for count in COUNTS:
        done = bare.run_bare(bench.program, bench.link, count, size, ptime)
        bench.found.samples[of_turn(f"bare {ptime} {count}", turn)] = done.paced
        bench.found.numbers[of_turn(f"bare {ptime} most {count}", turn)] = done.most
        say(f"{ptime} ms: {done.paced}; flat out {done.most:.0f} packets/s")


def bare_over_veth(bench: Bench) -> None:
    """The bare sender over the wire that Janus has."""
    over = bare.run_bare(bench.program, bench.veth, COUNTS[1], size_at(bench.found.sizes, 20), 20)
    bench.found.samples["veth 20 1000"] = over.paced
    say(f"20 ms, over Janus's wire: {over.paced}; flat out {over.most:.0f} packets/s")


async def janus(bench: Bench, steps: list[int], turn: int = 1) -> None:
    """Debian's Janus with the same swarm."""
    found, folder = bench.found, bench.folder / f"janus-{turn}"
    folder.mkdir()
    size = size_at(found.sizes, 20) - TAG
    with (
        running_janus(folder, bench.veth) as gateway,
        bare.feeding(bench.program, bench.veth, AUDIO_PORT, size),
    ):
        signalling = partial(JanusSignalling, gateway.socket, STREAM)
        crowd = Crowd(steps[-1] + 10, signalling, first_address=bench.veth.first, prefer=bench.veth.server_ip)
        core = CoreTime(gateway.pid)
        crowd.open()
        try:
            began = resident_bytes(gateway.pid)
            found.numbers[of_turn("janus 20 joins empty", turn)] = await joins.storm(crowd, 100)
            best, worse = await climb(
                *(crowd, core, steps, LENIENT),
                deadline=time.monotonic() + BUDGET,
                on_sample=partial(_keep, found, "janus 20", turn),
            )
            grown = resident_bytes(gateway.pid) - began
            found.numbers[of_turn("janus bytes per listener", turn)] = grown / max(1, len(crowd.members))
        finally:
            await crowd.close()
    if best is not None:
        found.samples[of_turn("janus 20 most", turn)] = best
    if worse is not None:
        found.samples[of_turn("janus 20 beyond", turn)] = worse


def of_turn(name: str, turn: int) -> str:
    """The name of a row in one turn."""
    return name if turn == 1 else f"{name} #{turn}"


def turns_of(name: str) -> list[str]:
    """The names of a row in all turns."""
    return [of_turn(name, turn) for turn in range(1, TURNS + 1)]


def size_at(sizes: dict[int, int], ptime: int) -> int:
    """Measured, or a guess from another ptime: payload grows with it, header and tag do not."""
    if ptime in sizes:
        return sizes[ptime]
    for known, size in sizes.items():
        return 12 + TAG + (size - 12 - TAG) * ptime // known
    return 12 + TAG + 80 * ptime // 20

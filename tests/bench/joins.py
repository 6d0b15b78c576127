"""Join storms, and what a join costs the server."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from bench.machine import CoreTime
from bench.samples import Sample, sample_of
from stentor_loadtest.swarm.crowd import Crowd

AT_ONCE = 64
STORM_RATE = 260.0  # joins a second offered to a house that listens: the figure to reach is 250
COST_JOINS = 200
COST_RATE = 50.0  # joins a second: slow enough that nobody waits
COST_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Storm:
    """A join storm into a house that listens."""

    joins_per_second: float
    sample: Sample
    """Of everybody, while it lasted."""


async def storm(crowd: Crowd, count: int) -> float:
    """`count` joins as fast as they get in; how many a second did."""
    before = crowd.failures.total()
    began = time.monotonic()
    await crowd.join(count, at_once=AT_ONCE)
    return (count - (crowd.failures.total() - before)) / (time.monotonic() - began)


async def storm_into(crowd: Crowd, core: CoreTime, count: int) -> Storm:
    """`count` joins at STORM_RATE, watching those who are seated."""
    crowd.mark()
    before, failed, began = core.seconds(), crowd.failures.total(), time.monotonic()
    await crowd.join(count, rate=STORM_RATE)
    rate = (count - (crowd.failures.total() - failed)) / (time.monotonic() - began)
    return Storm(rate, sample_of(crowd.window(), core.seconds() - before))


async def cost(crowd: Crowd, core: CoreTime) -> float:
    """Milliseconds of the server's CPU per join, the cost of those who listen subtracted."""
    before, began = core.seconds(), time.monotonic()
    await asyncio.sleep(COST_SECONDS)
    quiet = (core.seconds() - before) / (time.monotonic() - began)
    seated = len(crowd.members)
    before, began = core.seconds(), time.monotonic()
    await crowd.join(COST_JOINS, rate=COST_RATE)
    used, lasted = core.seconds() - before, time.monotonic() - began
    # Those who join listen too, on average for half of the time.
    listening = quiet * lasted * (1 + COST_JOINS / 2 / max(1, seated))
    return 1000 * (used - listening) / COST_JOINS

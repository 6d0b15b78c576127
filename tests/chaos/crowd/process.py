"""`python -m chaos.crowd.process SETTINGS`: a crowd as a process. Commands come as lines of JSON on standard
input, a diary goes to a file four times a second, the report at the end."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import uvloop

from chaos.crowd.house import House
from stentor_loadtest.histogram import Histogram
from stentor_loadtest.run.loop_lag import LoopLag

EVERY = 0.25  # seconds
GOODBYE = 10.0  # seconds for the last DELETEs


async def live(settings: dict[str, Any]) -> None:
    """Until `finish`."""
    house = House(
        settings["targets"],
        settings["event"],
        rows=settings["rows"],
        first_address=settings["first_address"],
        inject=settings["inject"],
    )
    commands: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), _take, bytearray(), commands)
    lag = LoopLag()
    watching = asyncio.create_task(lag.watch())
    house.open()
    diary = asyncio.create_task(_keep(house, Path(settings["diary"]), lag))
    while (command := await commands.get())["do"] != "finish":
        getattr(house, command.pop("do"))(**command)
    loop.remove_reader(sys.stdin.fileno())
    diary.cancel()
    watching.cancel()
    report = json.dumps(_report(house, lag))
    await house.close(goodbye=GOODBYE)
    await asyncio.to_thread(Path(settings["report"]).write_text, report)


def _take(rest: bytearray, commands: asyncio.Queue[dict[str, Any]]) -> None:
    rest += os.read(sys.stdin.fileno(), 65536)
    *lines, tail = rest.split(b"\n")
    rest[:] = tail
    for line in lines:
        commands.put_nowait(json.loads(line))


async def _keep(house: House, path: Path, lag: LoopLag) -> None:
    before = house.swarm.lateness()
    with path.open("a", encoding="utf-8") as file:
        while True:
            await asyncio.sleep(EVERY)
            house.look()
            after = house.swarm.lateness()
            file.write(json.dumps(_line(house, _between(before, after), lag)) + "\n")
            file.flush()
            before = after


def _line(house: House, lateness: Histogram, lag: LoopLag) -> dict[str, Any]:
    return {
        "at": time.time(),
        "came": len(house.guests),
        "seated": len(house.seated),
        "got_in": sum(guest.heard is not None for guest in house.guests),
        "gone": len(house.gone),
        "late_p99_ms": 1000 * lateness.percentile(99),
        "answers": dict(house.whep.answers),
        "errors": dict(house.errors),
        "lag_p99_ms": 1000 * lag.histogram.percentile(99),
    }


def _between(before: Histogram, after: Histogram) -> Histogram:
    part = Histogram()
    part.counts = [late - early for late, early in zip(after.counts, before.counts, strict=True)]
    part.total = after.total - before.total
    return part


def _report(house: House, lag: LoopLag) -> dict[str, Any]:
    totals = house.swarm.totals()
    return {
        "guests": [guest.row() for guest in house.guests],
        "each": [guest.record() for guest in house.guests if guest.heard is not None and guest.session],
        "answers": dict(house.whep.answers),
        "resets": house.whep.resets,
        "errors": dict(house.errors),
        "dropped": house.dropped,
        "status_failed": house.line.failed,
        "late_20ms": 100 * house.swarm.lateness().share_above(0.020),
        "kernel_drops": totals.kernel_drops,
        "client_lag_p99_ms": 1000 * lag.histogram.percentile(99),
    }


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    uvloop.run(live(json.loads(sys.argv[1])))

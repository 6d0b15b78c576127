"""Somebody takes the CPU of one of two shards (gameday 16): fewer joins and longer packets there alone."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from chaos.cluster import Node
from chaos.guests import crowd_of
from chaos.process import ChaosProcess
from chaos.scenarios.rush import OPTIONS
from chaos.scene import Outcome, Plan, scene
from chaos.verdict import Figure, at_least, at_most, told
from chaos.watch import Watch, metrics_of
from support.waiting import wait_for

# Lateness counts as the shard's own while its listeners need 30 % of its core: that is about 1,100 of them.
# With the few of the short form it counts from the first; everything else is as shipped.
LAWS = ["--credit-idle-cpu", "0.001"]
CORE = max(os.sched_getaffinity(0))
TAKEN, LEFT = 0.080, 0.010  # seconds, in turn: what the burner spins and what it leaves
CALM, SHORT, LONG = 6.0, 10.0, 60.0  # seconds before, and of the theft
NEWCOMERS = 40
CREDITS = "stentor_relay_join_credits_per_second"
PTIME = "stentor_relay_ptime_ms"
LATENESS = "stentor_relay_lateness_seconds"
_BURN = """
import sys, time
taken, left = float(sys.argv[1]), float(sys.argv[2])
print(time.time(), flush=True)
while True:
    end = time.monotonic() + taken
    while time.monotonic() < end:
        pass
    time.sleep(left)
"""


def run(plan: Plan) -> Outcome:
    """Play it."""
    seats = plan.listeners * 2
    laws = [] if plan.long else LAWS
    with scene(plan, relays=2, options=["--max-seats", str(seats), *laws, *OPTIONS]) as here, here.stack:
        here.talk()
        victim, neighbour = here.cluster.of("relay")
        _pin(victim)
        crowd = crowd_of(here, rows=8 * plan.listeners + 1000)
        crowd.tell("come", count=plan.listeners, seconds=plan.listeners / 50, kind="before")
        crowd.wait_until("seated", plan.listeners, timeout=30 + plan.listeners / 25)
        look = Watch(lambda: metrics_of(victim.base)), Watch(lambda: metrics_of(neighbour.base))
        with look[0] as of_victim, look[1] as of_neighbour:
            time.sleep(CALM)
            burner = _burner(plan.folder)
            here.stack.callback(burner.close)
            burner.start()
            stolen = wait_for(lambda: _spins(burner), timeout=5, what="the burner", every=0.01)
            time.sleep(1.5)
            before = crowd.now()["got_in"]
            crowd.tell("come", count=NEWCOMERS, seconds=4.0, kind="newcomer")
            crowd.wait_until("got_in", before + NEWCOMERS, timeout=LONG if plan.long else SHORT)
            time.sleep(1.0)
            burner.close()
            time.sleep(2.0)
        report = crowd.finish()
    calm = of_victim.seen(stolen - 2, stolen)
    usual = min(row[CREDITS] for row in calm)
    length = max(row[PTIME] for row in calm)
    down = of_victim.first_after(stolen, lambda row: row[CREDITS] < 0.95 * usual)
    longer = of_victim.first_after(stolen, lambda row: row[PTIME] > length)
    worst = max((row[LATENESS] for row in of_victim.seen(stolen)), default=0.0)
    newcomers = report.of("newcomer")
    before_theft = of_neighbour.seen(stolen - 2, stolen + 1.5)[-1]["stentor_listeners"]
    others = of_neighbour.seen()[-1]["stentor_listeners"] - before_theft
    figures: tuple[Figure, ...] = (
        told("listeners of the shard before", of_victim.seen(stolen - 2, stolen)[-1]["stentor_listeners"]),
        told("worst lateness p90 of a window, ms", round(1000 * worst, 1)),
        told("credits before, joins/s", round(usual, 1)),
        told("least credits during the theft, joins/s", _least(of_victim, stolen)),
        at_most("credits down after, s", round(down, 2), 0.5),
        at_most("longer packets after, s", round(longer, 2), 1.0),
        told("packet lengths of the shard, ms", _lengths(of_victim)),
        told("packet lengths of the neighbour, ms", _lengths(of_neighbour)),
        at_least(
            "newcomers that got in, %",
            round(100 * sum(guest.heard is not None for guest in newcomers) / max(1, len(newcomers)), 1),
            100,
        ),
        at_least("of these at the neighbour, %", round(100 * others / NEWCOMERS, 1), 50),
        at_most("errors (resets, timeouts, other statuses)", report.errors, 0),
        told("errors were", report.errors_text),
        told("late or lost of all, %", round(report.late_or_lost(), 3)),
    )
    sentence = (
        f"A real-time process takes {TAKEN / (TAKEN + LEFT):.0%} of the core of one of two relays; "
        f"{plan.listeners} listen, {NEWCOMERS} more come."
    )
    return Outcome("cpu_stolen", sentence, figures, report.records)


def _pin(node: Node) -> None:
    """All threads of a process to the core that will be taken, as one that has no other."""
    for task in Path(f"/proc/{node.process.pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {CORE})


def _burner(folder: Path) -> ChaosProcess:
    # First in, first out: as a hypervisor's other guest, it is not held back by the scheduler's fairness.
    command = ["chrt", "--fifo", "50", "taskset", "--cpu-list", str(CORE)]
    return ChaosProcess("burner", [*command, sys.executable, "-c", _BURN, str(TAKEN), str(LEFT)], folder)


def _spins(burner: ChaosProcess) -> float | None:
    """When it began, by its own word."""
    return float(burner.said()) if burner.said().endswith("\n") else None


def _lengths(watch: Watch[dict[str, float]]) -> str:
    return " > ".join(f"{now:g}" for now in _changes([row[PTIME] for row in watch.seen()]))


def _changes(values: list[float]) -> list[float]:
    return [now for at, now in enumerate(values) if at == 0 or values[at - 1] != now]


def _least(watch: Watch[dict[str, float]], since: float) -> float:
    return round(min(row[CREDITS] for row in watch.seen(since)), 1)

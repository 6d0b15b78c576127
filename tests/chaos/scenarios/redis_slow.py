"""Redis answers after 200 ms: the breaker opens, and joins do not notice."""

from __future__ import annotations

import time

from chaos.scene import Outcome, Plan, Scene, scene
from chaos.verdict import Figure, at_most, packets_lost, told
from support.waiting import wait_for

SLOW_MS = 200.0
RATE = 50.0  # joins a second
AWAY = "the store is away"  # what a process logs when it gives the store up for a while
NOISE_MS = 60.0  # of two runs of the same on a shared machine
RELAYS = 2


def run(plan: Plan) -> Outcome:
    """Play it."""
    with scene(plan, relays=RELAYS) as here, here.stack:
        here.talk()
        usual, _ = _join_p99(here, plan.listeners, "usual")
        here.store.slow(SLOW_MS)
        began = time.monotonic()
        wait_for(lambda: _open(here), timeout=10, what="breakers open", every=0.1)
        opened = time.monotonic() - began
        slow, report = _join_p99(here, plan.listeners, "slow")
        here.store.slow(0.0)
    figures: tuple[Figure, ...] = (
        at_most("breaker open after, s", round(opened, 2), 2.0),
        told("join p99 as usual, ms", round(usual, 1)),
        at_most("join p99 meanwhile, ms", round(slow, 1), round(usual + NOISE_MS, 1)),
        at_most("failed joins", report["figures"]["failed"], 0),
        at_most("packets that any listener lost", packets_lost(report["each"]), 0),
    )
    sentence = f"Every answer of Redis takes {SLOW_MS:g} ms longer; {plan.listeners} join at {RATE:g}/s."
    return Outcome("redis_slow", sentence, figures, tuple(report["each"]))


def _open(here: Scene) -> bool:
    """Whether every gateway has given the store up."""
    return all(AWAY in node.process.said() for node in here.cluster.of("gateway"))


def _join_p99(here: Scene, count: int, name: str) -> tuple[float, dict[str, dict[str, float]]]:
    swarm = here.swarm(count, rate=RATE, name=name)
    swarm.wait_until_hearing(timeout=20 + count / 25)
    time.sleep(1.0)
    report = swarm.finish()
    return float(report["figures"]["join_p99_ms"]), report

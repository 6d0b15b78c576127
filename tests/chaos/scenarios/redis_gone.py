"""Redis is killed, comes back with what it had, is killed again and comes back empty: nobody hears it."""

from __future__ import annotations

import time

from chaos.cluster import ask
from chaos.scene import Outcome, Plan, Scene, scene
from chaos.verdict import PAUSE_MS, Figure, at_least, at_most, packets_lost, told
from support.waiting import wait_for

SHORT, LONG = 5.0, 600.0  # seconds without Redis
LONG_EMPTY = 90.0  # seconds before it comes back empty: longer than any record in it lives
RATE = 50.0  # joins a second
NORMAL = 10.0  # seconds until writes work again
RELAYS = 2


def run(plan: Plan) -> Outcome:
    """Play it."""
    away, empty_after = (LONG, LONG_EMPTY) if plan.long else (SHORT, SHORT)
    newcomers = max(20, plan.listeners // 8)
    with scene(plan, relays=RELAYS, captured=True) as here, here.stack:
        here.talk()
        page = here.page()
        swarm = here.swarm(rate=RATE)
        swarm.wait_until_hearing(timeout=30 + plan.listeners / 20)
        before = _joins(here, newcomers, "before")
        here.store.kill()
        meanwhile = _joins(here, newcomers, "meanwhile")
        time.sleep(away)
        here.store.start()
        normal = _until_writes_work(here)
        here.store.kill()
        time.sleep(empty_after)
        here.store.start_empty()
        normal_again = _until_writes_work(here)
        known = ask(f"{here.cluster.gateways[0]}/api/events/{here.event.id}") is not None
        afterwards = _joins(here, newcomers, "afterwards")
        gone = here.cluster.ended_by_themselves()
        seen = page.finish() if page is not None else None
        report = swarm.finish()
        used = here.indices_used()
    figures: tuple[Figure, ...] = (
        at_most("listeners lost", report["figures"]["outside"] + report["figures"]["silences"], 0),
        at_most("packets that any listener lost", packets_lost(report["each"]), 0),
        at_most("longest pause of any listener, ms", report["figures"]["longest_gap_ms"], PAUSE_MS),
        at_least("rate of joins meanwhile, % of before", round(100 * meanwhile / before, 1), 90),
        told("rate of joins after it came back empty, % of before", round(100 * afterwards / before, 1)),
        at_most("writes work again after, s", round(normal, 1), NORMAL),
        at_most("writes work again after it came back empty, s", round(normal_again, 1), NORMAL),
        Figure("the event is known when it came back empty", str(known), "True", known),
        Figure("processes that ended", ", ".join(gone) or "none", "none", not gone),
        *(seen.figures(limit=1.0) if seen is not None else ()),
        *used,
    )
    sentence = (
        f"Redis is away for {away:g} s under {plan.listeners} listeners, and for {empty_after:g} s, "
        "after which it comes back empty."
    )
    return Outcome("redis_gone", sentence, figures, tuple(report["each"]))


def _joins(here: Scene, count: int, name: str) -> float:
    """Joins a second of some who come, listen for a moment and go."""
    swarm = here.swarm(count, rate=RATE, name=name)
    swarm.wait_until_hearing(timeout=20)
    return float(swarm.finish()["figures"]["joins_per_second"])


def _until_writes_work(here: Scene) -> float:
    """Seconds until an event can be made."""
    began = time.monotonic()
    wait_for(lambda: _made(here), timeout=3 * NORMAL, what="an event can be made", every=0.2)
    return time.monotonic() - began


def _made(here: Scene) -> bool:
    try:
        here.cluster.create_event()
    except OSError:
        return False
    return True

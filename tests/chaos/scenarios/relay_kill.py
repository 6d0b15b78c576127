"""`kill -9` of one of four relays: its listeners come back through reserved seats, the others hear on."""

from __future__ import annotations

import time

from chaos.scene import Outcome, Plan, scene, seats_for
from chaos.verdict import (
    PAUSE_MS,
    Figure,
    at_least,
    at_most,
    longest_since,
    on_shard,
    packets_lost,
    share_back,
    silent_shards,
    told,
)
from support.waiting import wait_for

RELAYS = 4
SETTLE = 2.0  # seconds of quiet before and after
BACK = 20.0  # seconds they are given: more than the figure, so that the table shows by how much it was missed


def run(plan: Plan) -> Outcome:
    """Play it."""
    seats = seats_for(plan.listeners, RELAYS)
    with scene(plan, relays=RELAYS, options=["--max-seats", str(seats)], captured=True) as here, here.stack:
        here.talk()
        page = here.page()
        swarm = here.swarm()
        swarm.wait_until_hearing(timeout=30 + plan.listeners / 50)
        time.sleep(SETTLE)
        killed = here.cluster.of("relay")[0].process.kill()
        wait_for(
            lambda: time.time() > killed + 4 and swarm.now()["quiet"] == 0, timeout=BACK, what="all back"
        )
        time.sleep(SETTLE)
        most = max((count for line in swarm.diary() for count in line["shards"].values()), default=0)
        seen = page.finish() if page is not None else None
        report = swarm.finish()
        used = here.indices_used()
    records = report["each"]
    died = silent_shards(records, killed)
    victims = [record for shard in died for record in on_shard(records, shard, killed)]
    others = [record for record in records if record not in victims]
    figures: list[Figure] = [
        Figure("shards that fell silent", len(died), "exactly 1", len(died) == 1),
        told("listeners of it", len(victims)),
        at_least("back within 5 s, %", round(100 * share_back(victims, killed, 5.0), 1), 95),
        at_least("back within 15 s, %", round(100 * share_back(victims, killed, 15.0), 1), 100),
        at_most("packets that any of the others lost", packets_lost(others), 0),
        at_most("longest pause of any of the others, ms", longest_since(others, killed), PAUSE_MS),
        at_most("most listeners on one shard", most, seats),
        told("back, median, s", report["figures"]["back_p50_s"]),
        told("back, longest, s", report["figures"]["back_max_s"]),
        *(seen.figures(limit=5.0) if seen is not None else ()),
        *used,
    ]
    sentence = f"One of {RELAYS} relays is killed (SIGKILL) under {plan.listeners} listeners."
    return Outcome("relay_kill", sentence, tuple(figures), tuple(records))

"""300 joins a second through two gateways into four shards: evenly, nobody oversold, without Redis."""

from __future__ import annotations

import time

from chaos.scene import Outcome, Plan, scene, seats_for
from chaos.verdict import Figure, at_least, at_most, told

RELAYS = 4
RATE = 300.0  # joins a second
WINDOW = 3.0  # seconds of an idle cluster, to know what Redis is asked anyway


def run(plan: Plan) -> Outcome:
    """Play it."""
    seats = seats_for(plan.listeners, RELAYS)
    with scene(plan, gateways=2, relays=RELAYS, options=["--max-seats", str(seats)]) as here, here.stack:
        here.talk()
        time.sleep(1.0)
        idle = here.store.commands()
        time.sleep(WINDOW)
        usual = (here.store.commands() - idle) / WINDOW
        before, began = here.store.commands(), time.monotonic()
        swarm = here.swarm(rate=RATE)
        swarm.wait_until_hearing(timeout=30 + plan.listeners / 50)
        asked = here.store.commands() - before - usual * (time.monotonic() - began)
        time.sleep(1.0)
        diary = swarm.diary()
        report = swarm.finish()
    shards = diary[-1]["shards"]
    mean = sum(shards.values()) / RELAYS
    most = max((count for line in diary for count in line["shards"].values()), default=0)
    figures: tuple[Figure, ...] = (
        at_most("largest shard, % above the mean", round(100 * (max(shards.values()) / mean - 1), 1), 10),
        at_most("most listeners on one shard", most, seats),
        at_most("Redis commands per join, background taken off", round(asked / plan.listeners, 2), 0.05),
        at_least("listeners that joined", report["figures"]["joined"], plan.listeners),
        told("joins a second", report["figures"]["joins_per_second"]),
        told("join p95, ms", report["figures"]["join_p95_ms"]),
        told("listeners per shard", ", ".join(str(count) for count in shards.values())),
    )
    sentence = (
        f"{plan.listeners} join at {RATE:g}/s through two gateways into {RELAYS} shards of {seats} seats."
    )
    return Outcome("join_rush", sentence, figures, tuple(report["each"]))

"""Every process is asked to end (SIGTERM) and started again, one after the other: nobody hears it."""

from __future__ import annotations

import time

from chaos.cluster import Node
from chaos.scene import Outcome, Plan, Scene, scene
from chaos.verdict import (
    BEARABLE_MS,
    PAUSE_MS,
    Figure,
    at_most,
    longest_since,
    packets_lost,
    told,
    torn_since,
)

SETTLE = 0.5  # seconds
DRAIN = 90.0  # seconds a process is given to end
SHORT_POLL, LONG_POLL = 1.0, 10.0  # seconds between two looks of a listener at the status body
LONG_RELAYS = 4
JOIN_RATE = 50.0
FRAME_MS = 20.0


def run(plan: Plan) -> Outcome:
    """Play it: in the short form one relay of two and one gateway of two, in the long form all processes."""
    relays = LONG_RELAYS if plan.long else 2
    with (
        scene(plan, gateways=2, stages=2 if plan.long else 1, relays=relays, captured=True) as here,
        here.stack,
    ):
        here.talk()
        page = here.page()
        poll = LONG_POLL if plan.long else SHORT_POLL
        swarm = here.swarm(rate=JOIN_RATE, options=["--poll", str(poll)])
        swarm.wait_until_hearing(timeout=30 + plan.listeners / 25)
        time.sleep(SETTLE)
        began = time.time()
        nodes = _order(here, all_of_them=plan.long)
        for node in nodes:
            node.process.stop(timeout=DRAIN)
            node.process.start()
            here.cluster.wait_until_ready(node)
            time.sleep(SETTLE)
        seen = page.finish() if page is not None else None
        report = swarm.finish()
        used = here.indices_used()
    records = report["each"]
    calm = [record for record in records if len(record["sessions"]) == 1]
    torn = [torn_since(record, began, calm) for record in records]
    figures: tuple[Figure, ...] = (
        at_most("most audio that a listener lost between sessions, ms", round(max(torn), 1), BEARABLE_MS),
        at_most("listeners that lost more", sum(lost > BEARABLE_MS for lost in torn), 0),
        at_most("most packets that a listener lost", packets_lost(records), int(BEARABLE_MS / FRAME_MS)),
        at_most("longest pause of any listener, ms", round(longest_since(records, began), 1), PAUSE_MS),
        at_most("listeners that fell silent", report["figures"]["silences"], 0),
        at_most("listeners outside at the end", report["figures"]["outside"], 0),
        told("sessions moved", report["figures"]["moved"]),
        told("processes restarted", ", ".join(node.process.name for node in nodes)),
        *(seen.figures(limit=0.5) if seen is not None else ()),
        *used,
    )
    sentence = f"{len(nodes)} processes are restarted one after the other under {plan.listeners} listeners."
    return Outcome("rolling_restart", sentence, figures, tuple(records))


def _order(here: Scene, *, all_of_them: bool) -> list[Node]:
    cluster = here.cluster
    if all_of_them:
        return [*cluster.of("relay"), *cluster.of("stage"), *cluster.of("gateway")]
    return [cluster.of("relay")[0], cluster.of("gateway")[1]]

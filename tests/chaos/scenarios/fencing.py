"""A stage is stopped (SIGSTOP) with a host on it, and goes on later: by then it has nothing to say."""

from __future__ import annotations

import time

from chaos.pages import PageListener
from chaos.scene import Outcome, Plan, scene
from chaos.verdict import PAUSE_MS, Figure, at_most, longest_since, told
from support.pages import StudioPage
from support.waiting import wait_for

SHORT, LONG = 8.0, 30.0  # seconds; the lease lasts 3
HOST_BACK = 40.0  # seconds the host's page is given
SETTLE = 2.0  # seconds
TALKING = 30.0  # datagrams a second that only a host sends
RELAYS = 2


def run(plan: Plan) -> Outcome:
    """Play it."""
    with scene(plan, gateways=2, stages=2, relays=RELAYS) as here, here.stack:
        browser = here.browser()
        studio = StudioPage(browser, here.event.host_url)
        studio.go_live()
        listener = PageListener(browser, here.event.listen_url)
        swarm = here.swarm()
        swarm.wait_until_hearing(timeout=30 + plan.listeners / 50)
        time.sleep(SETTLE)
        old = here.cluster.stage_on_air()
        new = next(node for node in here.cluster.of("stage") if node is not old)
        leader = here.cluster.of("gateway")[0]
        paused = old.process.pause()
        leader.process.pause()
        time.sleep(LONG if plan.long else SHORT)
        leader.process.go_on()
        gone_on = old.process.go_on()
        wait_for(lambda: new.datagrams() > TALKING, timeout=HOST_BACK, what="the host on the new stage")
        moved = time.time()
        listener.page.wait_for_sound(timeout=15)
        time.sleep(SETTLE)
        left = old.datagrams()
        ended = here.cluster.ended_by_themselves()
        seen = listener.finish()
        report = swarm.finish()
    records = report["each"]
    changed = sum(len(record["sessions"]) != 1 for record in records)
    figures: tuple[Figure, ...] = (
        told("stopped for, s", round(gone_on - paused, 1)),
        told("host on the new stage after the stop, s", round(moved - paused, 1)),
        at_most("datagrams a second at the old stage afterwards", left, TALKING),
        at_most("listeners that lost their session", changed, 0),
        at_most("longest pause after it went on, ms", round(longest_since(records, gone_on), 1), PAUSE_MS),
        Figure("processes that ended", ", ".join(ended) or "none", "none", not ended),
        Figure(
            "the listening page's states",
            " > ".join(seen.states),
            "live all the time",
            seen.states == ("live",),
        ),
    )
    sentence = f"The stage with the host and a gateway are stopped and go on; {plan.listeners} listeners."
    return Outcome("fencing", sentence, figures, tuple(records))

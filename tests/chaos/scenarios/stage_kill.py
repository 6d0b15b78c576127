"""`kill -9` of the stage: the listeners stay, the host's page finds the other one, the sound comes back."""

from __future__ import annotations

import time

from chaos.pages import PageListener
from chaos.scene import Outcome, Plan, scene
from chaos.verdict import Figure, at_most, told
from support.pages import StudioPage

SETTLE = 2.0  # seconds
HOST_BACK = 25.0  # seconds the host's page is given
SOUND_BACK = 15.0  # seconds: more than the figure, so that the table shows by how much it was missed


def run(plan: Plan) -> Outcome:
    """Play it."""
    with scene(plan, stages=2, relays=2, captured=True) as here, here.stack:
        browser = here.browser()
        studio = StudioPage(browser, here.event.host_url)
        studio.go_live()
        listener = PageListener(browser, here.event.listen_url)
        listener.page.wait_for_sound(timeout=10)
        swarm = here.swarm()
        swarm.wait_until_hearing(timeout=30 + plan.listeners / 50)
        time.sleep(SETTLE)
        killed = here.cluster.stage_on_air().process.kill()
        studio.wait(lambda: studio.state() != "live", timeout=HOST_BACK, what="the host's page notices")
        studio.wait_for_state("live", timeout=HOST_BACK)
        returned = time.time()
        listener.page.wait_for_sound(timeout=SOUND_BACK)
        heard = time.time()
        time.sleep(SETTLE)
        errors = studio.errors
        seen = listener.finish()
        report = swarm.finish()
        used = here.indices_used()
    records = report["each"]
    changed = sum(len(record["sessions"]) != 1 for record in records)
    figures: tuple[Figure, ...] = (
        at_most("listeners that lost their session", changed, 0),
        at_most("sound back after the host's page, s", round(heard - returned, 2), 5.0),
        told("host's page back after the kill, s", round(returned - killed, 2)),
        told("longest gap of any listener, ms", report["figures"]["longest_gap_ms"]),
        told("errors on the host's page", " | ".join(errors) or "none"),
        Figure(
            "the listening page's states",
            " > ".join(seen.states),
            "live all the time",
            seen.states == ("live",),
        ),
        *used,
    )
    sentence = (
        f"The stage that has the host is killed (SIGKILL); {plan.listeners} listeners, one page of each kind."
    )
    return Outcome("stage_kill", sentence, figures, tuple(records))

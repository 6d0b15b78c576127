"""Everybody leaves a full house and a quarter returns at once, while others wait (gameday 9)."""

from __future__ import annotations

import time

from chaos.guests import crowd_of
from chaos.scenarios.rush import OPTIONS
from chaos.scene import Outcome, Plan, scene
from chaos.verdict import Figure, at_least, at_most, told
from stentor_loadtest.histogram import percentile_of

WAITING = 2  # times the seats: people in line
GATHER = 8.0  # seconds until they are counted in line
PLAYED = 30.0  # seconds after everybody left


def run(plan: Plan) -> Outcome:
    """Play it. `plan.listeners` is the number of seats."""
    seats = plan.listeners
    with (
        scene(plan, relays=1, options=["--max-seats", str(seats), *OPTIONS], own_core=True) as here,
        here.stack,
    ):
        here.talk()
        crowd = crowd_of(here, rows=6 * seats + 1000)
        crowd.tell("storm", count=seats, at_once=32)
        filled = crowd.wait_until("seated", seats, timeout=90)
        crowd.tell("come", count=WAITING * seats, seconds=2.0, kind="waiting")
        time.sleep(GATHER)
        early = len([guest for guest in crowd.diary() if guest["got_in"] > seats])
        left = time.time()
        crowd.tell("leave")
        crowd.tell("return_", share=0.25)
        crowd.wait_until("got_in", 2 * seats, timeout=PLAYED)
        time.sleep(2.0)
        report = crowd.finish()
    returning = report.of("returning")
    back = sorted(guest.heard - left for guest in returning if guest.heard is not None)
    new = [when - left for when in report.heard("waiting") if when > left]
    last = back[-1] if len(back) == len(returning) and back else float("inf")
    let_in = max((guest.tapped for guest in returning), default=0.0)  # the last of them; handshakes overtake
    before = [
        guest for guest in report.of("waiting") if guest.heard is not None and left < guest.tapped < let_in
    ]
    figures: tuple[Figure, ...] = (
        Figure("the house was full before", str(filled), "True", filled),
        at_most("new listeners that got in while it was full", early, 0),
        at_least("returning listeners back, %", round(100 * len(back) / max(1, len(returning)), 1), 100),
        at_most("new listeners let in before the last returning one", len(before), 0),
        told("returning: back after, median and longest, s", f"{percentile_of(back, 50):.2f}, {last:.2f}"),
        told("new: first and median after, s", f"{min(new, default=0):.2f}, {percentile_of(new, 50):.2f}"),
        at_least("seats taken again", len(back) + len(new), seats),
        at_most("errors (resets, timeouts, other statuses)", report.errors, 0),
        told("errors were", report.errors_text),
        told("answers", report.answers_text),
    )
    sentence = f"{seats} seats, {WAITING * seats} in line; all leave, a quarter of them comes back at once."
    return Outcome("all_leave", sentence, figures, report.records)

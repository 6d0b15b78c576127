"""Seats asked for and not taken: no STUN, STUN without DTLS, bodies that never end (gameday 15)."""

from __future__ import annotations

import time

from chaos.abuse import Abuser, slow_bodies
from chaos.guests import crowd_of
from chaos.scenarios.rush import OPTIONS
from chaos.scene import Outcome, Plan, Scene, scene
from chaos.verdict import Figure, at_least, at_most, told
from chaos.watch import Watch, cluster_of
from stentor_loadtest.histogram import percentile_of
from support.waiting import wait_for

BACK = 6.0  # seconds after which a seat must be free again
RATE = 10.0  # valid joins a second
HELD = 0.25  # of the seats, by those who abuse them meanwhile
BODIES = 200  # that never end
GIVEN = 20.0  # seconds: so that the table shows by how much it was missed


def run(plan: Plan) -> Outcome:
    """Play it. `plan.listeners` valid listeners; the seats are few enough for abuse to take them all."""
    seats = plan.listeners * 2
    abuse = HELD * seats / BACK  # of each kind a second
    with (
        scene(plan, relays=1, options=["--max-seats", str(seats), *OPTIONS], own_core=True) as here,
        here.stack,
    ):
        here.talk()
        gateway = here.cluster.gateways[0]
        silent, capsules = _seats_back(here, seats, stun=False)
        half, checks = _seats_back(here, seats, stun=True)
        wait_for(lambda: _is_open(gateway), timeout=30, what="an open door")
        crowd = crowd_of(here, rows=4 * plan.listeners)
        abuser = Abuser(gateway, here.event.id)
        with slow_bodies(gateway, here.event.id, BODIES) as bodies, abuser.at(abuse):
            crowd.tell("come", count=plan.listeners, seconds=plan.listeners / RATE, kind="valid")
            crowd.wait_until("got_in", plan.listeners, timeout=plan.listeners / RATE + 20)
        report = crowd.finish()
    valid = [1000 * (guest.heard - guest.came) for guest in report.of("valid") if guest.heard is not None]
    figures: tuple[Figure, ...] = (
        told("capsules taken without STUN", capsules),
        at_most("no STUN: all seats back after, s", round(silent, 2), BACK),
        told("STUN without DTLS", checks),
        at_most("STUN, no DTLS: all seats back after, s", round(half, 2), BACK),
        told(
            "abuse meanwhile: capsules, checks, slow bodies", f"{abuser.capsules}, {abuser.checks}, {bodies}"
        ),
        at_least("valid listeners that got in", len(valid), plan.listeners),
        at_most("valid joins p99, ms", round(percentile_of(valid, 99), 1), 2000),
        told("valid joins median, ms", round(percentile_of(valid, 50), 1)),
        at_most("errors of valid listeners", report.errors, 0),
        told("errors were", report.errors_text),
        told("answers to valid listeners", report.answers_text),
    )
    sentence = f"{seats} seats taken by nobody; {plan.listeners} join amid {abuse:g}/s of each kind."
    return Outcome("capsule_abuse", sentence, figures, report.records)


def _seats_back(here: Scene, seats: int, *, stun: bool) -> tuple[float, int]:
    """Seconds from the last capsule until all seats are free again, and how many were taken."""
    gateway = here.cluster.gateways[0]
    wait_for(lambda: _is_open(gateway) and _free(gateway) == seats, timeout=30, what="an open door")
    abuser = Abuser(gateway, here.event.id)
    with Watch(lambda: _free(gateway)) as watch:
        for _ in range(seats):
            if not abuser.take(stun=stun):
                break
        taken = time.time()
        deadline = taken + GIVEN
        time.sleep(0.5)
        while time.time() < deadline and not _all_free(watch, seats):
            time.sleep(0.1)
        time.sleep(1.5)
    abuser.close()
    low = [at for at, free in watch.rows if free < seats]
    assert low, "nobody took a seat"
    if not _all_free(watch, seats):
        return float("inf"), abuser.capsules
    return max(0.0, low[-1] - taken), abuser.checks if stun else abuser.capsules


def _all_free(watch: Watch[int], seats: int) -> bool:
    """For a second: one look may fall between a heartbeat and the next."""
    last = watch.rows[-10:]
    return len(last) == 10 and all(free == seats for _, free in last)


def _is_open(gateway: str) -> bool:
    seen = cluster_of(gateway)
    return seen is not None and all(line["is_open"] for line in seen["lines"])


def _free(gateway: str) -> int | None:
    seen = cluster_of(gateway)
    return None if seen is None else int(seen["free"])

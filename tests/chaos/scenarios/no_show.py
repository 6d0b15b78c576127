"""A third, then two thirds of the called never come (gameday 10): the rest fills the house as fast."""

from __future__ import annotations

import time

from chaos.crowd_figures import rate_between
from chaos.guests import CrowdReport, Guests
from chaos.host import Host as Talker
from chaos.hosts import CROWD_HOST
from chaos.scenarios.rush import OPTIONS
from chaos.scene import Outcome, Plan, Scene, scene
from chaos.verdict import Figure, at_least, at_most, told
from support.waiting import wait_for

SHARES = (0.0, 0.3, 0.6)
JOIN_COST = 40_000  # microseconds that the laws are told a join takes: 20 of them a second
LAWS = ["--cost-join", str(JOIN_COST), "--cost-range", "1"]  # and no measurement changes that
TIMES = 5  # as many people as seats
ARRIVING = 4.0  # seconds
GIVEN = 100.0  # seconds: so that the table shows by how much it was missed
EMPTY = 8.0  # seconds between two events, without anybody in line


def run(plan: Plan) -> Outcome:
    """Play it: an event for each share. `plan.listeners` is the number of seats."""
    seats = plan.listeners
    reports: list[CrowdReport] = []
    options = ["--max-seats", str(seats), *LAWS, *OPTIONS]
    with scene(plan, relays=1, options=options, own_core=True) as here, here.stack:
        relay = here.cluster.of("relay")[0]
        for share in SHARES:
            reports.append(_fill(here, seats, share))
            wait_for(lambda: relay.metric("stentor_listeners") == 0, timeout=60, what="an empty house")
            time.sleep(EMPTY)
    rates = [_rate(report, seats) for report in reports]
    figures: list[Figure] = [told("possible by the laws, joins/s", round(0.8e6 / JOIN_COST, 1))]
    for share, report, rate in zip(SHARES, reports, rates, strict=True):
        name = f"{100 * share:g} % absent: "
        figures.append(at_least(name + "seats taken", len(report.heard()), round(0.9 * seats)))
        figures.append(told(name + "from 10 to 90 % of the seats, joins/s", round(rate, 2)))
        if share:
            part = round(100 * rate / rates[0], 1) if rates[0] else 0.0
            figures.append(at_least(name + "% of the rate without absent ones", part, 90))
        figures.append(at_most(name + "errors", report.errors, 0))
        figures.append(told(name + "errors were", report.errors_text))
    sentence = f"{seats} seats; {TIMES * seats} people take a place, a part of whom never comes."
    return Outcome("no_show", sentence, tuple(figures), reports[-1].records)


def _fill(here: Scene, seats: int, share: float) -> CrowdReport:
    event = here.cluster.create_event()
    folder = here.plan.folder / f"absent{share:g}"
    folder.mkdir()
    talker = Talker(event, here.cluster.gateways, folder)
    crowd = Guests(here.hosts[CROWD_HOST], here.cluster.gateways, event.id, folder, rows=4 * seats + 2000)
    try:
        talker.start()
        crowd.start()
        crowd.tell("come", count=TIMES * seats, seconds=ARRIVING, no_show=share)
        crowd.wait_until("got_in", round(0.95 * seats), timeout=GIVEN)
        return crowd.finish()
    finally:
        crowd.close()
        talker.close()


def _rate(report: CrowdReport, seats: int) -> float:
    heard = report.heard()
    first, last = round(0.1 * seats), round(0.9 * seats)
    if len(heard) < last:
        return 0.0
    return rate_between(heard, heard[first], heard[last - 1])

"""Ten times as many want in as leave (gameday 2): as many get in as ever did."""

from __future__ import annotations

import time

from chaos.crowd_figures import late_stretch, most_at_once, rate_between
from chaos.guests import crowd_of
from chaos.scenarios.rush import OPTIONS
from chaos.scene import Outcome, Plan, scene
from chaos.verdict import Figure, at_least, at_most, told
from chaos.watch import Watch, metrics_of

LOADS = (1, 3, 10)  # times as many come as leave
TURNOVER = 0.1  # of the seats become free each second
SHORT, LONG = 20.0, 300.0  # seconds at ten times the load
BEFORE_SHORT, BEFORE_LONG = 12.0, 60.0  # seconds at each of the others
CREDITS = "stentor_relay_join_credits_per_second"
SETTLE = 3.0  # seconds of each load that are not counted: the line moves once a second, pages poll every two


def run(plan: Plan) -> Outcome:
    """Play it. `plan.listeners` is the number of seats."""
    seats, leaving = plan.listeners, TURNOVER * plan.listeners
    durations = [BEFORE_LONG if plan.long else BEFORE_SHORT] * 2 + [LONG if plan.long else SHORT]
    rows = seats * 2 + round(3 * leaving * sum(durations)) + 2000
    windows: list[tuple[float, float]] = []
    with (
        scene(plan, relays=1, options=["--max-seats", str(seats), *OPTIONS], own_core=True) as here,
        here.stack,
    ):
        here.talk()
        relay = here.cluster.of("relay")[0]
        crowd = crowd_of(here, rows=rows)
        with Watch(lambda: metrics_of(relay.base), every=0.25) as watch:
            crowd.tell("storm", count=round(0.9 * seats), at_once=32)
            crowd.wait_until("got_in", round(0.9 * seats), timeout=60)
            crowd.tell("leave_at", rate=leaving)
            for load, seconds in zip(LOADS, durations, strict=True):
                began = time.time()
                crowd.tell("come", count=round(load * leaving * seconds), seconds=seconds, kind=f"{load}x")
                time.sleep(seconds)
                windows.append((began + SETTLE, time.time()))
        diary = crowd.diary()
        report = crowd.finish()
    heard = report.heard()
    rates = [rate_between(heard, begin, end) for begin, end in windows]
    figures: tuple[Figure, ...] = (
        told("leave, people/s", leaving),
        *(
            told(f"goodput at {load} x, joins/s", round(rate, 2))
            for load, rate in zip(LOADS, rates, strict=True)
        ),
        at_least("goodput at 10 x, % of its peak", round(100 * rates[-1] / max(rates), 1), 95),
        told("goodput at 10 x, % of those who leave", round(100 * rates[-1] / leaving, 1)),
        at_most("most listeners at any time", most_at_once(report.guests), seats),
        at_most("errors (resets, timeouts, other statuses)", report.errors, 0),
        told("errors were", report.errors_text),
        at_most("late or lost of the seated, %", round(report.late_or_lost(), 3), 0.5),
        at_most("lateness p99 above 40 ms for, s", late_stretch(diary, windows[0][0]), 1.0),
        told("credits, least, joins/s", min(row[CREDITS] for row in watch.seen())),
        told("answers", report.answers_text),
        told("the crowd's own loop lag p99, ms", report.fields["client_lag_p99_ms"]),
    )
    sentence = (
        f"{seats} seats, {leaving:g}/s leave; {', '.join(f'{load} x' for load in LOADS)} of them want in."
    )
    return Outcome("overload_10x", sentence, figures, report.records)

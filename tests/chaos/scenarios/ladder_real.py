"""Listeners come and go until packets had every length: nobody hears a gap longer than the length itself."""

from __future__ import annotations

import time
from itertools import groupby

from chaos.alone import alone
from chaos.guests import Guests
from chaos.scene import Outcome, Plan
from chaos.verdict import Figure, at_least, at_most, told
from chaos.watch import Watch, metrics_of
from support.waiting import wait_for

LEVELS = [20, 40, 60, 120, 60, 40, 20]
# Thresholds as if the core were 25 times slower: 65 listeners need 40 ms, 125 need 60 ms, 182 need 120 ms.
# Costs stay what is shipped, so that how busy this machine is decides nothing here.
LAWS = ["--ladder-up", "0.02", "--ladder-down", "0.015", "--ladder-hold", "2", "--cost-least-load", "1"]
LAWS += ["--credit-idle-cpu", "1"]
STAY, COME = 40, 180  # listeners all the time, and on top
RATE = 20.0  # of them a second, coming and leaving
SLOT = 20.0  # ms: a packet leaves anywhere within a tick
LATE = 40.0  # ms: what the seated may be late at most, ladder or not
SETTLE = 4.0  # seconds
MEANT = 120.0 + SLOT + LATE
PTIME = "stentor_relay_ptime_ms"


def run(plan: Plan) -> Outcome:
    """Play it."""
    with alone(plan, [*LAWS, "--signalling-rate", "1000000"]) as (server, event):
        crowd = Guests(None, [server.base], event.id, plan.folder, rows=4 * (STAY + COME))
        try:
            crowd.start()
            with Watch(lambda: metrics_of(server.base)) as watch:
                crowd.tell("come", count=COME, seconds=COME / RATE, kind="passing")
                crowd.tell("come", count=STAY, seconds=COME / RATE, kind="staying")
                all_in = crowd.wait_until("seated", STAY + COME, timeout=COME / RATE + 30)
                time.sleep(SETTLE)
                crowd.tell("leave_at", rate=RATE)
                wait_for(
                    lambda: crowd.now()["gone"] >= COME, timeout=COME / RATE + 10, what="all but some gone"
                )
                crowd.tell("leave_at", rate=0)
                time.sleep(12.0)
            report = crowd.finish()
        finally:
            crowd.close()
    lengths = [round(length) for length, _ in groupby(row[PTIME] for row in watch.seen())]
    stayed = [record for record in report.records if record["sessions"][0]["end"] is None]
    lost = sum(record["lost"] for record in report.records)
    figures: tuple[Figure, ...] = (
        Figure("all got in", str(all_in), "True", all_in),
        Figure("packet lengths, ms", _text(lengths), _text(LEVELS), lengths == LEVELS),
        at_most("longest gap, ms (120 of the level, 20 of a tick, 40 late)", report.longest_gap(), MEANT),
        told("longest gap of those who stayed, ms", max((r["longest_gap_ms"] for r in stayed), default=0.0)),
        at_most("packets lost by anybody", lost, 0),
        told(
            "later than 20 ms or lost, %",
            round(report.late_or_lost(), 3),
        ),
        at_least("listeners through all of it", len(stayed), STAY // 2),
        told("errors were", report.errors_text),
        told("the crowd's own loop lag p99, ms", report.fields["client_lag_p99_ms"]),
    )
    sentence = f"{STAY + COME} come at {2 * RATE:g}/s, most of them leave: 65, 125, 182 need more."
    return Outcome("ladder_real", sentence, figures, report.records)


def _text(lengths: list[int]) -> str:
    return " > ".join(map(str, lengths))

"""Ten times as many as there are seats arrive at 2,000 a second (gameday 1)."""

from __future__ import annotations

import time

from chaos.crowd_figures import best_rate, filling_rate, late_stretch, most_at_once
from chaos.guests import crowd_of
from chaos.scene import Outcome, Plan, scene
from chaos.verdict import Figure, at_least, at_most, told
from chaos.watch import Watch, metrics_of
from support.waiting import wait_for

ARRIVING = 0.005  # seconds for each seat: 10,000 for 1,000 seats in 5 s, and fewer as fast
TIMES = 10  # as many people as seats
AT_ONCE = 16  # joins under way in the storm that shows what is possible
JOIN_COST = 'stentor_relay_cost_seconds{of="join"}'
EMPTY = 8.0  # seconds until nobody has been waiting for 5 s and all heartbeats have said so
STAY = 5.0  # seconds of listening in the full house
FILL = 120.0  # seconds it is given: more than any figure, so that the table shows by how much it was missed
OPTIONS = ["--signalling-rate", "1000000"]  # all come from one address here


def run(plan: Plan) -> Outcome:
    """Play it. `plan.listeners` is the number of seats."""
    seats, arriving = plan.listeners, ARRIVING * plan.listeners
    options = ["--max-seats", str(seats), *OPTIONS]
    with scene(plan, relays=1, options=options, own_core=True) as here, here.stack:
        here.talk()
        relay = here.cluster.of("relay")[0]
        crowd = crowd_of(here, rows=15 * seats + 2000)
        crowd.tell("storm", count=round(0.9 * seats), at_once=AT_ONCE)
        stormed = crowd.wait_until("got_in", round(0.9 * seats), timeout=FILL)
        crowd.tell("leave")
        wait_for(lambda: relay.metric("stentor_listeners") == 0, timeout=20, what="an empty house")
        time.sleep(EMPTY)
        join_cost = (metrics_of(relay.base) or {}).get(JOIN_COST, float("inf"))
        here_before = crowd.now()["got_in"]
        with Watch(lambda: metrics_of(relay.base)) as watch:
            t0 = time.time()
            crowd.tell("come", count=TIMES * seats, seconds=arriving, kind="rush")
            filled = crowd.wait_until("got_in", here_before + round(0.99 * seats), timeout=FILL)
            full_after = time.time() - t0
            time.sleep(max(STAY, arriving - full_after + STAY))
        diary = crowd.diary()
        report = crowd.finish()
    storm, rush = report.heard("storm"), report.heard("rush")
    possible, filling = best_rate(storm, round(0.4 * seats)), filling_rate(rush, round(0.9 * seats))
    records = tuple(record for record in report.records if record["kind"] == "rush")
    figures: tuple[Figure, ...] = (
        at_most("most listeners at any time", most_at_once(report.guests), seats),
        at_least("seats taken", len(rush), seats if filled else round(0.99 * seats)),
        at_most("errors (resets, timeouts, other statuses)", report.errors, 0),
        told("errors were", report.errors_text),
        at_most("late or lost of the seated, %", round(report.late_or_lost(), 3), 0.5),
        at_most("longest gap of the seated, ms", report.longest_gap(), 200),
        told(
            "possible (a storm into the empty shard, its fastest 40 % of the seats), joins/s",
            round(possible, 1),
        ),
        told("possible by the laws after that, 0.8 / c_h, joins/s", round(0.8 / join_cost, 1)),
        told("filling (from the first to 90 % of the seats), joins/s", round(filling, 1)),
        at_least("filling, % of what is possible", round(100 * filling / max(possible, 0.01), 1), 90),
        told(
            "90 % of the seats taken after, s", round(rush[round(0.9 * seats) - 1] - t0, 2) if filled else ""
        ),
        at_most("lateness p99 above 40 ms for, s", late_stretch(diary, t0), 1.0),
        told(
            "credits, least and most, joins/s", _range(watch.seen(), "stentor_relay_join_credits_per_second")
        ),
        told("packet lengths, ms", _range(watch.seen(), "stentor_relay_ptime_ms")),
        told("worst window of lateness p90, ms", _worst_ms(watch.seen(), "stentor_relay_lateness_seconds")),
        told("first contacts turned away by the shard", _dropped(watch.seen())),
        told("answers", report.answers_text),
        told("the storm got in", "all" if stormed else f"{len(storm)} only"),
        told("the crowd's own loop lag p99, ms", report.fields["client_lag_p99_ms"]),
    )
    sentence = f"{seats} seats on a core of their own; {TIMES * seats} people arrive in {arriving:g} s."
    return Outcome("rush", sentence, figures, records)


def _dropped(rows: list[dict[str, float]]) -> str:
    """Why, and how many datagrams: each is repeated until it is answered."""
    name = 'stentor_datagrams_dropped_total{reason="'
    begin, end = rows[0], rows[-1]
    more = {key[len(name) : -2]: end[key] - begin.get(key, 0.0) for key in end if key.startswith(name)}
    return ", ".join(f"{reason}: {count:g}" for reason, count in more.items() if count) or "none"


def _range(rows: list[dict[str, float]], name: str) -> str:
    values = [row[name] for row in rows if name in row]
    return f"{min(values):.4g} to {max(values):.4g}" if values else "not seen"


def _worst_ms(rows: list[dict[str, float]], name: str) -> float:
    return round(1000 * max((row.get(name, 0.0) for row in rows), default=0.0), 1)

"""One called ticket is presented a thousand times at two gateways: at most one seat on each of two shards."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from chaos.abuse import Abuser
from chaos.cluster import Node, ask
from chaos.guests import Guests, crowd_of
from chaos.scenarios.rush import OPTIONS
from chaos.scene import Outcome, Plan, Scene, scene
from chaos.verdict import Figure, Record, at_least, at_most, told
from chaos.watch import Watch, metrics_of
from support.waiting import wait_for

RELAYS = 3  # two of which the ticket may name
SEATS = 12  # of each, two thirds of them offered
AT_ONCE = 20
BEHIND = 6  # people in line when the ticket is taken, so that the line is there to stay
SHORT, LONG = 300, 1000  # times
OVERLAP = 0.03  # seconds: the last packet of a session may come just after the first of the next
CONNECTED = 'stentor_listeners{state="connected",tier="webrtc"}'
HALF_OPEN = 'stentor_listeners{state="half_open",tier="webrtc"}'


def run(plan: Plan) -> Outcome:
    """Play it."""
    times = LONG if plan.long else SHORT
    options = ["--max-seats", str(SEATS), *OPTIONS]
    with scene(plan, gateways=2, relays=RELAYS, options=options) as here, here.stack:
        here.talk()
        relays = here.cluster.of("relay")
        crowd = crowd_of(here, rows=4 * times + 1000)
        offered = RELAYS * SEATS * (RELAYS - 1) // RELAYS
        crowd.tell("come", count=3 * offered, seconds=2.0, kind="house")
        wait_for(lambda: _waiting(here) >= BEHIND, timeout=45, what="a full house and a line")
        place = _take_place(here)
        early = _status_of(here, place["ticket"])
        crowd.tell("leave_at", rate=4.0)  # the line comes as far as this ticket, and on: seats get empty
        called = _wait_until_called(here, place["arrival"])
        base = [_seated(relay) for relay in relays]
        began = time.time()
        with Watch(lambda: [_row(relay) for relay in relays]) as watch:
            crowd.tell("replay", ticket=place["ticket"], count=times, at_once=AT_ONCE)
            _wait_until_answered(crowd, times)
            time.sleep(2.0)
            after = [_seated(relay) for relay in relays]
        report = crowd.finish()
    replays = report.of("replay")
    records = [record for record in report.records if record["kind"] == "replay"]
    shards = {record["sessions"][0]["shard"] for record in records}
    most = [_most_at_once(records, shard) for shard in shards]
    free = [SEATS - seated for seated in base]
    figures: tuple[Figure, ...] = (
        Figure("before it was called", early, "exactly 425", early == 425),
        Figure("called", str(called), "True", called),
        at_least("times presented", len(replays), times),
        at_least("handshakes that it completed", len(records), 2),
        at_most("shards that gave it a seat", len(shards), 2),
        at_most("most seats of one shard at any time", max(most, default=0), 1),
        told("seats free on each shard before, the reserve included", _text(free)),
        told("listeners of each shard, before and after", f"{_text(base)}; {_text(after)}"),
        told("most half-open of one shard", max(row[HALF_OPEN] for rows in watch.seen() for row in rows)),
        told("seconds it took", round(time.time() - began, 1)),
        told("answers", report.answers_text),
        told("errors were", report.errors_text),
    )
    sentence = f"{times} times the same called ticket at two gateways before {RELAYS} relays."
    return Outcome("called_1000", sentence, figures, ())


def _most_at_once(records: Sequence[Record], shard: int) -> int:
    """By the packets that each of its sessions was sent: one that was replaced hears no more."""
    steps: list[tuple[float, int]] = []
    for record in records:
        if record["sessions"][0]["shard"] == shard:
            steps += [(record["first_heard"], 1), (record["last_heard"] - OVERLAP, -1)]
    return max(accumulate(step for _, step in sorted(steps)), default=0)


def _wait_until_answered(crowd: Guests, times: int) -> None:
    def answered() -> bool:
        answers = crowd.now()["answers"]
        return sum(count for name, count in answers.items() if name.startswith("POST whep")) >= times

    wait_for(answered, timeout=120, what="all answers")
    time.sleep(10.0)  # an attempt that gets no seat ends by itself by then


def _wait_until_called(here: Scene, arrival: int) -> bool:
    def is_called() -> bool:
        serving = _line(here)
        return serving is not None and int(serving["arrival"]) >= arrival

    try:
        wait_for(is_called, timeout=90, what="the ticket's turn")
    except AssertionError:
        return False
    return True


def _line(here: Scene) -> dict[str, Any] | None:
    text = ask(f"{here.cluster.gateways[0]}/api/events/{here.event.id}/status")
    serving = None if text is None else json.loads(text)["serving"]
    return None if serving is None else dict(serving)


def _waiting(here: Scene) -> int:
    text = ask(f"{here.cluster.gateways[0]}/api/events/{here.event.id}/status")
    return 0 if text is None else int(json.loads(text)["waiting"])


def _take_place(here: Scene) -> dict[str, Any]:
    url = f"{here.cluster.gateways[0]}/api/events/{here.event.id}/ticket"
    request = urllib.request.Request(url, data=b"", method="POST")
    with urllib.request.urlopen(request, timeout=5) as answer:
        return dict(json.load(answer))


def _status_of(here: Scene, ticket: str) -> int:
    """What a POST with this ticket is told; the offer is one that the listener would not use."""
    return Abuser(here.cluster.gateways[0], here.event.id).ask(ticket)


def _seated(relay: Node) -> float:
    return _row(relay)[CONNECTED]


def _row(relay: Node) -> dict[str, float]:
    return wait_for(lambda: metrics_of(relay.base), timeout=5, what=f"metrics of {relay.process.name}")


def _text(values: list[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)

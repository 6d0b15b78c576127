from __future__ import annotations

import json

from stentor.cluster.event_record import EventRecord
from stentor.core.admission.laws import Laws
from stentor.core.admission.line import Release, Serving
from stentor.gateway.audience import Audience
from stentor.gateway.event_line import EventLine
from stentor.gateway.line_notes import Room, ServingNotice
from stentor.gateway.status_body import build_status
from stentor.gateway.status_source import Move

RECORD = EventRecord(id="abcd", title="t", starts_at=0.0, created_at=0.0, host_key_hash=b"h" * 32, epoch=3)
NO_LINE = {"serving": None, "arrivals": [], "waiting": 0, "joining": 0, "rate": 0.0, "pace": 0.0}


def test_body_has_what_the_page_counts_with_and_no_secret() -> None:
    body = build_status(RECORD, Audience(12, "present", 0.0), now=1.5, monotonic=0.0, full=True)
    assert json.loads(body) == {
        "now": "1970-01-01T00:00:01.500Z",
        "epoch": 3,
        "phase": "early",
        "title": "t",
        "starts_at": "1970-01-01T00:00:00Z",
        "host": "present",
        "listeners": 12,
        **NO_LINE,
        "moves": [],
        "full": True,
        "poll": 10,
    }


def test_line_shows_its_thresholds_their_trail_and_the_curve_of_arrivals() -> None:
    line = EventLine(Laws(), b"e" * 8, 3, now=0.0)
    for second in range(1, 31):
        serving = Serving(0, 1000 * second)
        line.on_serving(
            ServingNotice(
                b"e" * 8,
                3,
                serving,
                Release(second, float(second), 5, serving),
                waiting=40,
                present=2,
                curve=((0, 0), (60_000, 190)),
            ),
            now=float(second),
            wall_ms=1000 * second,
        )
    line.tick(30.0, Room(free=0, offered=100, credit_rate=5.0), gateways=2)
    body = build_status(RECORD, Audience(12, "present", 0.0), now=1.5, monotonic=30.0, full=True, line=line)
    fields = json.loads(body)
    assert fields["serving"]["arrival"] == 30_000 and fields["serving"]["share"] == 0
    trail = fields["serving"]["trail"]
    assert trail[-1] == [30_000, 0, 30_000] and len(trail) <= 5
    assert fields["arrivals"] == [[0, 0], [60_000, 190]]
    assert (fields["waiting"], fields["joining"], fields["rate"]) == (40, 2, 5.2)
    assert fields["pace"] == 10.0  # of both gateways


def test_line_that_seats_everybody_at_once_is_no_line() -> None:
    line = EventLine(Laws(), b"e" * 8, 3, now=0.0)
    body = build_status(RECORD, Audience(0, "none", 0.0), now=1.5, monotonic=30.0, full=False, line=line)
    fields = json.loads(body)
    assert {name: fields[name] for name in NO_LINE} == NO_LINE


def test_moves_are_told_with_their_deadline() -> None:
    moves = [Move(7, 0.25, "seed", 100.0), Move(8, 1.0, "s2", 3.5, since=2.0)]
    body = build_status(RECORD, Audience(0, "none", 0.0), now=1.5, monotonic=30.0, full=False, moves=moves)
    assert json.loads(body)["moves"] == [
        {"shard": 7, "fraction": 0.25, "seed": "seed", "deadline": "1970-01-01T00:01:40Z"},
        {
            "shard": 8,
            "fraction": 1.0,
            "seed": "s2",
            "deadline": "1970-01-01T00:00:03.500Z",
            "since": "1970-01-01T00:00:02Z",
        },
    ]

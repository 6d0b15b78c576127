from __future__ import annotations

import json

from msgspec.structs import replace

from stentor.cluster.event_record import EventRecord
from stentor.gateway import status_body
from stentor.gateway.audience import Audience
from stentor.gateway.status_body import StatusBodies, build_status

RECORD = EventRecord(id="abcd", title="t", starts_at=0.0, created_at=0.0, host_key_hash=b"h" * 32, epoch=3)


def test_body_has_what_the_page_counts_with_and_no_secret() -> None:
    body = build_status(RECORD, Audience(12, "present", 0.0), now=1.5, full=True)
    assert json.loads(body) == {
        "now": "1970-01-01T00:00:01.500Z",
        "epoch": 3,
        "phase": "early",
        "title": "t",
        "starts_at": "1970-01-01T00:00:00Z",
        "host": "present",
        "listeners": 12,
        "serving": None,
        "moves": [],
        "full": True,
        "poll": 10,
    }


def test_body_is_kept_for_a_second() -> None:
    bodies = StatusBodies()
    assert bodies.fresh(RECORD, now=10.0) is None
    bodies.keep(RECORD, b"{}", now=10.0)
    assert bodies.fresh(RECORD, now=10.9) == b"{}"
    assert bodies.fresh(RECORD, now=11.0) is None


def test_changed_record_needs_a_new_body_at_once() -> None:
    bodies = StatusBodies()
    bodies.keep(RECORD, b"{}", now=10.0)
    assert bodies.fresh(replace(RECORD, phase="live"), now=10.0) is None


def test_number_of_bodies_is_bounded() -> None:
    bodies = StatusBodies()
    records = [replace(RECORD, id=f"event{number}") for number in range(status_body.CAPACITY + 1)]
    for record in records:
        bodies.keep(record, b"{}", now=0.0)
    assert bodies.fresh(records[0], now=0.0) is None
    assert bodies.fresh(records[1], now=0.0) == b"{}"

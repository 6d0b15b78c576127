"""The status body: the same bytes for everybody, so that a cache in front can answer a million pages."""

from __future__ import annotations

from collections import OrderedDict

import msgspec

from stentor.cluster.event_record import EventRecord
from stentor.gateway.audience import CAPACITY, FRESH_FOR, Audience
from stentor.gateway.iso_time import format_optional, format_time

POLL = 10  # seconds until a page should ask again


def build_status(record: EventRecord, audience: Audience, *, now: float, full: bool) -> bytes:
    """The JSON. `now` in Unix seconds; `full` when no seat is free anywhere.

    `serving` and `moves` belong to the line and to shedding; empty as long as there is no line.
    """
    return msgspec.json.encode(
        {
            "now": format_time(now),
            "epoch": record.epoch,
            "phase": record.phase,
            "title": record.title,
            "starts_at": format_optional(record.starts_at),
            "host": audience.host,
            "listeners": audience.listeners,
            "serving": None,
            "moves": [],
            "full": full,
            "poll": POLL,
        }
    )


class StatusBodies:
    """Rendered bodies, each kept for a second or until the record changes."""

    def __init__(self) -> None:
        self._bodies: OrderedDict[str, tuple[EventRecord, float, bytes]] = OrderedDict()

    def fresh(self, record: EventRecord, *, now: float) -> bytes | None:
        """The body rendered less than a second ago for this very record. `now` in monotonic seconds."""
        known = self._bodies.get(record.id)
        if known is None or known[0] is not record or now - known[1] >= FRESH_FOR:
            return None
        return known[2]

    def keep(self, record: EventRecord, body: bytes, *, now: float) -> None:
        """Remember a body; of too many the oldest is forgotten."""
        self._bodies[record.id] = (record, now, body)
        self._bodies.move_to_end(record.id)
        if len(self._bodies) > CAPACITY:
            self._bodies.popitem(last=False)

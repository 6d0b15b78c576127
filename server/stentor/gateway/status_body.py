"""The status body: the same bytes for everybody, so that a cache in front can answer a million pages."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from stentor.cluster.event_record import EventRecord
from stentor.gateway.audience import Audience
from stentor.gateway.event_line import EventLine
from stentor.gateway.iso_time import format_optional, format_time
from stentor.gateway.status_source import Move

POLL = 10  # seconds until a page should ask again that is not in line
TRAIL_EVERY = 10_000  # ms: the line's last two minutes in at most thirteen points


def build_status(
    record: EventRecord,
    audience: Audience,
    *,
    now: float,
    monotonic: float,
    full: bool,
    line: EventLine | None = None,
    moves: Sequence[Move] = (),
) -> bytes:
    """The JSON. `now` in Unix seconds; `full` when no seat is free anywhere; `line`: None without one."""
    return msgspec.json.encode(
        {
            "now": format_time(now),
            "epoch": record.epoch,
            "phase": record.phase,
            "title": record.title,
            "starts_at": format_optional(record.starts_at),
            "host": audience.host,
            "listeners": audience.listeners,
            **line_members(line, monotonic),
            "moves": [_move(move) for move in moves],
            "full": full,
            "poll": POLL,
        }
    )


def line_members(line: EventLine | None, monotonic: float) -> dict[str, object]:
    """What a page counts its place from; `serving` is null when whoever comes is seated at once."""
    if line is None or line.is_open:
        return {"serving": None, "arrivals": [], "waiting": 0, "joining": 0, "rate": 0.0, "pace": 0.0}
    serving = line.serving
    return {
        "serving": {
            "share": serving.share,
            "arrival": serving.arrival_ms,
            "trail": line.trail(TRAIL_EVERY),
        },
        "arrivals": line.curve,
        "waiting": line.waiting,
        "joining": line.present,
        "rate": round(line.rate(monotonic), 1),
        "pace": round(line.pace, 1),
    }


def _move(move: Move) -> dict[str, object]:
    fields: dict[str, object] = {
        "shard": move.shard,
        "fraction": move.fraction,
        "seed": move.seed,
        "deadline": format_time(move.deadline),
    }
    if move.since is not None:
        fields["since"] = format_time(move.since)
    return fields

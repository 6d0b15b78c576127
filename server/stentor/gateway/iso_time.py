"""ISO 8601 times with a zone, in and out."""

from __future__ import annotations

from datetime import UTC, datetime

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
_MAX_TEXT = 64


def parse_time(text: str) -> float:
    """Unix seconds. ValueError (with a sentence for the client) without a zone or outside 2000 to 2199."""
    try:
        moment = datetime.fromisoformat(text) if len(text) <= _MAX_TEXT else None
    except ValueError:
        moment = None
    if moment is None:
        raise ValueError("is not an ISO 8601 time such as 2030-01-31T18:00:00Z")
    if moment.tzinfo is None:
        raise ValueError("has no time zone: end it with Z or an offset such as +02:00")
    if not EARLIEST <= moment < LATEST:
        raise ValueError("is not between the years 2000 and 2199")
    return moment.timestamp()


def format_time(seconds: float) -> str:
    """`2030-01-31T18:00:00Z`, with milliseconds where there are any."""
    milliseconds = round(seconds * 1000)
    spec = "seconds" if milliseconds % 1000 == 0 else "milliseconds"
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec=spec).replace("+00:00", "Z")


def format_optional(seconds: float | None) -> str | None:
    """`format_time`, or None for None."""
    return None if seconds is None else format_time(seconds)

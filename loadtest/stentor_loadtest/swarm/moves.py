"""How the status body asks listeners to move to another shard, and which of them go."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from stentor_loadtest.errors import WireError

SOONEST = 0.2  # seconds
SPREAD = 0.8  # of the time to the deadline: the rest is for those whose first attempt fails


@dataclass(frozen=True, slots=True)
class Move:
    """A request to a share of one shard's listeners."""

    shard: int
    fraction: float
    """Of the shard's sessions, 0 to 1."""
    seed: str
    """Decides which of them, and tells one request from the next."""
    remaining: float
    """Seconds to its deadline, by the server's own clock when it wrote the body."""


def goes_after(move: Move, token: str) -> float | None:
    """Seconds until a session goes, or None when it is not asked. Every client does the same.

    SHA-256(seed || session token), both as UTF-8 text: the session goes when the first 8 bytes, as a
    big-endian number divided by 2^64, are below the fraction; the next 8 bytes say when.
    """
    digest = hashlib.sha256(move.seed.encode() + token.encode()).digest()
    if int.from_bytes(digest[:8], "big") / 2**64 >= move.fraction:
        return None
    return max(SOONEST, SPREAD * move.remaining * int.from_bytes(digest[8:16], "big") / 2**64)


def parse_moves(body: bytes) -> list[Move]:
    """`moves` of a status body. WireError when it is not one."""
    try:
        document = json.loads(body)
        now = _seconds(document["now"])
        return [_move(entry, now) for entry in document.get("moves") or []]
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise WireError(f"not a status body: {error!r}") from error


def _move(entry: Mapping[str, object], now: float) -> Move:
    shard, fraction, seed = entry["shard"], entry["fraction"], entry["seed"]
    if not isinstance(shard, int) or not isinstance(fraction, int | float) or not isinstance(seed, str):
        raise TypeError("shard, fraction or seed")
    seed.encode()
    return Move(shard, float(fraction), seed, max(0.0, _seconds(entry["deadline"]) - now))


def _seconds(value: object) -> float:
    """Unix seconds of an ISO 8601 time or of a number."""
    if isinstance(value, str):
        return datetime.fromisoformat(value).timestamp()
    if isinstance(value, int | float):
        return float(value)
    raise TypeError("not a time")

"""What the rest of the server wants every page to know, through the status body."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Move:
    """Listeners of a shard are asked to take a seat elsewhere before they lose this one.

    A listener is asked when the first 8 bytes of SHA-256(seed, session token) as a share of 2^64 are below
    the fraction; a session token is the last part of a session URL, both are taken as text.
    """

    shard: int
    """Which shard."""
    fraction: float
    """Share of those asked, 0 to 1."""
    seed: str
    """Decides who; another seed is another move."""
    deadline: float
    """Unix seconds by which they should have moved; they spread over the time until then."""
    since: float | None = None
    """Unix seconds, whole: only those seated in this second (by the fraction) or later (all) are asked."""


@dataclass(slots=True)
class StatusSource:
    """Set by `app`; read once a second."""

    moves: Sequence[Move] = field(default=())
    """Every move in force, of all shards."""
    leader_offset_ms: int = 0
    """How far the admission leader's time of day is ahead of ours."""

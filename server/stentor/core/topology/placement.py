"""Which shard takes a newcomer. Another strategy is another class with `choose`, its test, and one line."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Candidate:
    """A shard that is alive, takes newcomers and has room."""

    shard: int
    """Its number, 32 bits."""
    free: int
    """Seats it would still give away, at least 1."""
    taken: int
    """Seats that are in use."""

    @property
    def free_share(self) -> float:
        """Between 0 and 1."""
        return self.free / max(1, self.free + self.taken)


class Placement(Protocol):
    """The seam: how a gateway chooses."""

    def choose(self, candidates: Sequence[Candidate], ticket_id: bytes) -> int | None:
        """The shard for this ticket, perhaps one without a free seat; None when there is no candidate."""


class TwoChoices:
    """Of the two shards that rendezvous hashing of the ticket names, the one with the larger free share.

    A ticket that is used again and again lands on the same two, which each give it one seat; the second
    choice keeps the shards evenly filled (Mitzenmacher, "The Power of Two Choices", 2001).
    """

    def choose(self, candidates: Sequence[Candidate], ticket_id: bytes) -> int | None:
        """See `Placement.choose`."""
        named = sorted(candidates, key=lambda candidate: _weight(candidate.shard, ticket_id))[-2:]
        if not named:
            return None
        return max(named, key=lambda candidate: candidate.free_share).shard


def _weight(shard: int, ticket_id: bytes) -> bytes:
    return hashlib.blake2b(shard.to_bytes(4, "big"), key=ticket_id, digest_size=8).digest()

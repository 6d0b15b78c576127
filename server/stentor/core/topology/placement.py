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

    def choose(
        self, candidates: Sequence[Candidate], ticket_id: bytes, *, returning: bool = False
    ) -> int | None:
        """The shard for this ticket, perhaps one without a free seat; None when there is no candidate.

        `returning`: of somebody whose shard has died, for whom seats are kept wherever they are.
        """


class TwoChoices:
    """Of the two shards that rendezvous hashing of the ticket names, the one with the larger free share.

    A ticket that is used again and again lands on the same two, which each give it one seat; the second
    choice keeps the shards evenly filled (Mitzenmacher, "The Power of Two Choices", 2001). Where as many
    return as seats are kept for them, some find both full: they go on to the next two.
    """

    def choose(
        self, candidates: Sequence[Candidate], ticket_id: bytes, *, returning: bool = False
    ) -> int | None:
        """See `Placement.choose`."""
        ranked = sorted(candidates, key=lambda candidate: _weight(candidate.shard, ticket_id), reverse=True)
        first, second = ranked[:2], ranked[2:4]
        if returning and second and not any(one.free for one in first):
            first = second
        return max(first, key=lambda candidate: candidate.free_share).shard if first else None


def _weight(shard: int, ticket_id: bytes) -> bytes:
    return hashlib.blake2b(shard.to_bytes(4, "big"), key=ticket_id, digest_size=8).digest()

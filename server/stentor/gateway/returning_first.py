"""Whoever returns to a house without an empty seat goes before those who have waited in line for one."""

from __future__ import annotations

AGAIN_WITHIN = 2.5  # seconds: they are told to come again after one, and the way there and back is slow
CAPACITY = 10_000  # tickets; the oldest goes


class ReturningFirst:
    """Tickets that were turned away while no shard had a seat, not even of those kept for them. By `now`."""

    def __init__(self) -> None:
        self._until: dict[bytes, float] = {}

    def turned_away(self, ticket_id: bytes, now: float) -> None:
        """They come again at once; until then seats that get empty are theirs."""
        self._until.pop(ticket_id, None)
        if len(self._until) >= CAPACITY:
            self._until.pop(next(iter(self._until)))
        self._until[ticket_id] = now + AGAIN_WITHIN

    def seated(self, ticket_id: bytes) -> None:
        """They have one."""
        self._until.pop(ticket_id, None)

    def is_awaited(self, now: float) -> bool:
        """Whether somebody new would take a seat from them."""
        while self._until:
            ticket_id, until = next(iter(self._until.items()))
            if until > now:
                return True
            del self._until[ticket_id]
        return False

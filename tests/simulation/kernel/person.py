"""Somebody who wants to listen."""

from __future__ import annotations

from dataclasses import dataclass

from stentor.core.admission.ticket import Ticket


@dataclass(slots=True, eq=False)
class Person:
    """Known while they ask or listen; who waits in line is only a number (`Waiting`)."""

    number: int
    """Their ticket id."""
    arrived: float = 0.0
    """Seconds; when they first asked."""
    returning: bool = False
    """Whether they had a seat and lost it."""
    ticket: Ticket | None = None
    seated_at: float | None = None
    shard: int | None = None
    """Where they are seated."""

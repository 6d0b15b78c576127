"""How a listener and a server tell each other their ends: what the swarm asks of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from stentor_loadtest.errors import JoinError
from stentor_loadtest.wire import sdp
from stentor_loadtest.wire.stun import Address


@dataclass(frozen=True, slots=True)
class Local:
    """A listener's end."""

    ufrag: str
    password: str
    address: Address
    """Where it is; port 0 when only its socket knows."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a listener shows when it asks for a session, and what it is given for the next time."""

    ticket: str | None = None
    """`Stentor-Ticket`: its place in line."""
    resume: str | None = None
    """`Stentor-Resume`: it was inside a moment ago."""

    def updated(self, newer: Place) -> Place:
        """With whatever the server gave anew."""
        return Place(newer.ticket or self.ticket, newer.resume or self.resume)


NOBODY = Place()


@dataclass(frozen=True, slots=True)
class Remote:
    """The server's end, and how to end the session there."""

    answer: sdp.Answer
    session: str
    shard: int | None = None
    """Number of the shard that serves it, when the server says so."""
    place: Place = NOBODY


class RefusedError(JoinError):
    """Not now: the server said when to ask again, and may have given a place in line."""

    def __init__(self, status: int, *, wait: float, place: Place, detail: str = "") -> None:
        super().__init__(f"http {status}", detail)
        self.wait = wait
        """Seconds, as in Retry-After."""
        self.place = place


class Signalling(Protocol):
    """One way to get sessions."""

    async def start(self, local: Local, place: Place = NOBODY) -> Remote:
        """Get one. JoinError says why there is none, RefusedError when to ask again."""

    async def end(self, session: str) -> None:
        """Give it back; failing quietly."""

    async def close(self) -> None:
        """No more sessions."""

"""One listener of a swarm: its sessions, and how it came back or moved from one to the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from stentor_loadtest.listener.state import State
from stentor_loadtest.swarm.counts import Heard, merged
from stentor_loadtest.swarm.hearing import Hearing
from stentor_loadtest.swarm.native import Swarm
from stentor_loadtest.swarm.session import SwarmSession
from stentor_loadtest.swarm.signalling import NOBODY, Place


@dataclass(slots=True)
class Change:
    """From one session to the next. Wall-clock seconds."""

    why: Literal["silence", "closed", "moved"]
    begin: float
    """When the last packet came before the silence, or the move was begun."""
    from_shard: int | None
    attempts: int = 0
    heard: float | None = None
    """When the new session's first packet came, or the old one's next; None as long as neither has."""
    to_shard: int | None = None


@dataclass(slots=True)
class SwarmMember:
    """`number` is its place in the engine's list of listeners."""

    swarm: Swarm
    number: int
    sessions: list[SwarmSession] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    place: Place = NOBODY
    """What it shows when it asks for its next session."""
    left: bool = False
    busy: bool = False
    """Coming back, moving, or not in yet: nobody else starts another session meanwhile."""
    _final: Hearing | None = None

    @property
    def current(self) -> SwarmSession | None:
        """The newest session that was heard, or the newest there is."""
        heard = [session for session in self.sessions if "heard" in session.timings]
        return heard[-1] if heard else self.sessions[-1] if self.sessions else None

    @property
    def state(self) -> State:
        """How far it is."""
        return State.NEW if self.current is None else self.current.state

    @property
    def timings(self) -> dict[str, float]:
        """Of the session by which it got in first."""
        for session in self.sessions:
            if "heard" in session.timings:
                return session.timings
        return self.sessions[-1].timings if self.sessions else {}

    @property
    def reception(self) -> Heard:
        """What it received, by all its sessions."""
        if len(self.sessions) == 1:
            return self.sessions[0].reception
        return merged([session.reception for session in self.sessions], self.hearing)

    @property
    def hearing(self) -> Hearing:
        """What it heard, by whichever of its sessions."""
        return self._final if self._final is not None else self.swarm.hearing(self.number)

    @property
    def unreadable(self) -> int:
        """Datagrams that did not authenticate."""
        return self.reception.unreadable

    @property
    def sender_reports(self) -> int:
        """Sender reports it got."""
        return self.reception.sender_reports

    def freeze(self) -> None:
        """Keep everything as it is now: the engine goes away."""
        for session in self.sessions:
            session.freeze()
        self._final = self.swarm.hearing(self.number)

"""One listener of a swarm, as Python follows it."""

from __future__ import annotations

import time

from stentor_loadtest.listener.state import MOVES, State
from stentor_loadtest.swarm.native import Heard, Swarm


class SwarmMember:
    """Follows the join; what it then hears is counted in C."""

    __slots__ = ("_final", "_swarm", "clicked_at", "index", "session", "started", "state", "timings")

    def __init__(self, swarm: Swarm, index: int) -> None:
        self._swarm = swarm
        self._final: Heard | None = None
        self.index = index
        self.state = State.NEW
        self.session: str | None = None
        self.timings: dict[str, float] = {}
        self.started = 0.0
        self.clicked_at = 0.0

    def click(self) -> None:
        """The join begins."""
        self.started = time.monotonic()
        self.clicked_at = time.time()
        self.move(State.OFFERING)

    def mark(self, step: str) -> None:
        """Note how long a step took from the click."""
        self.timings[step] = time.monotonic() - self.started

    def move(self, state: State) -> None:
        """Go on to another state."""
        if state not in MOVES[self.state]:
            raise AssertionError(f"{self.state} -> {state}")
        self.state = state

    def first_packet(self) -> None:
        """It hears: by the time the kernel took the packet in, not by when we were told."""
        heard = self.reception.first_arrival - self.clicked_at
        self.timings["heard"] = max(heard, self.timings.get("connected", 0.0))
        self.move(State.LISTENING)

    def freeze(self) -> None:
        """Keep what was counted: the engine goes away."""
        self._final = self._swarm.heard(self.index)

    @property
    def reception(self) -> Heard:
        """What it received."""
        return self._final if self._final is not None else self._swarm.heard(self.index)

    @property
    def unreadable(self) -> int:
        """Datagrams that did not authenticate."""
        return self.reception.unreadable

    @property
    def sender_reports(self) -> int:
        """Sender reports it got."""
        return self.reception.sender_reports

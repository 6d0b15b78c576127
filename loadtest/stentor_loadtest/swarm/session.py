"""One session of a listener, as Python follows it: a listener that comes back or moves gets another."""

from __future__ import annotations

import time

from stentor_loadtest.listener.state import MOVES, State
from stentor_loadtest.swarm.counts import Heard
from stentor_loadtest.swarm.native import Swarm


class SwarmSession:
    """Follows the join; what it then hears is counted in C, in row `index`."""

    __slots__ = (
        "_final", "_swarm", "clicked_at", "ended_at", "index", "shard", "started", "state", "timings", "url",
    )  # fmt: skip

    def __init__(self, swarm: Swarm, index: int) -> None:
        self._swarm = swarm
        self._final: Heard | None = None
        self.index = index
        self.state = State.NEW
        self.url: str | None = None
        """Path of the session's URL; its last part is the session token."""
        self.shard: int | None = None
        """Number of the shard that serves it, when the server says so."""
        self.timings: dict[str, float] = {}
        self.started = 0.0
        self.clicked_at = 0.0
        self.ended_at: float | None = None

    @property
    def token(self) -> str:
        """What the listener's session is known by; empty before the answer."""
        return "" if self.url is None else self.url.rpartition("/")[2]

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
        if state in (State.CLOSED, State.FAILED) and self.ended_at is None:
            self.ended_at = time.time()

    def first_packet(self) -> None:
        """It hears: by the time the kernel took the packet in, not by when we were told."""
        heard = self.reception.first_arrival - self.clicked_at
        self.timings["heard"] = max(heard, self.timings.get("connected", 0.0))
        self.move(State.LISTENING)

    def freeze(self) -> None:
        """Keep what was counted: the engine goes away, or another session gets the row."""
        if self._final is None:
            self._final = self._swarm.heard(self.index)

    @property
    def reception(self) -> Heard:
        """What it received."""
        return self._final if self._final is not None else self._swarm.heard(self.index)

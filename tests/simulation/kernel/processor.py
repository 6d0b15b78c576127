"""One shard's cores as a fluid queue: sending and joins share it, and scarcity makes both late.

Sending runs in a native thread, joins in Python threads at nice +10. The kernel's scheduler gives each a fair
share by weight, 1024 and 110, and no more: where both want to run joins have about a tenth of the core,
whatever becomes late, and a sender that wakes while they run waits for the end of their slice.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass

JOIN_SHARE = 110 / (110 + 1024)  # of a busy core, at nice +10 against 0
SLICE = 0.003  # seconds: the base slice of the kernel's scheduler (EEVDF, 2 cores)
MOST_BEHIND = (
    0.120  # seconds: a packet that cannot leave in its slot is dropped, so media never queues for longer
)
NOISE = 0.0003  # seconds of scheduling jitter, mean
PIECE = (
    0.0007  # seconds the event loop is away at once: a handshake is some callbacks, its DTLS 0.64 ms of them
)


@dataclass(slots=True)
class Step:
    """What one step of time showed."""

    lateness: list[float]
    """Seconds that sends were late, one sample per step of media that left in this one."""
    lag: list[float]
    """Seconds a ready callback waited for the event loop."""
    used: float
    """CPU seconds used, by sending and joins."""
    media_used: float
    """CPU seconds used by sending."""
    joins_done: int
    """Handshakes finished."""
    dropped: float
    """Share (0 to 1) of this step's media that was dropped."""


class Processor:
    """`step` it through time. Pure but for the seeded chance it is given."""

    def __init__(self, *, cores: float, chance: random.Random) -> None:
        """`cores`: how many the shard may use."""
        self._cores = cores
        self._chance = chance
        self._media = _Queue()
        self._joins = _Queue()
        self._lumps: deque[float] = deque()  # marks in the join queue at which a handshake is finished

    @property
    def joins_waiting(self) -> int:
        """Handshakes begun and not finished."""
        return len(self._lumps)

    def begin_join(self, cost: float) -> None:
        """One more handshake of `cost` CPU seconds, behind those that were begun before."""
        self._joins.put(cost)
        self._lumps.append(self._joins.received)

    def step(self, now: float, seconds: float, *, media: float, stolen: float = 0.0) -> Step:
        """From `now` on for `seconds`: `media` CPU seconds of sending are due, `stolen` (0 to 1) is away."""
        room = self._cores * seconds * (1.0 - stolen)
        dropped = self._receive_media(now + seconds, media, room)
        self._joins.mark(now + seconds)  # joins begin evenly over a step, and so does the wait behind them
        if room <= 0:
            return Step([], [], 0.0, 0.0, 0, dropped)
        reserved = min(self._joins.backlog, room * JOIN_SHARE)
        sent = min(self._media.backlog, room - reserved)
        joined = min(self._joins.backlog, room - sent)
        rate = max(1.0 - stolen, 1e-9) * self._cores
        lateness = self._media.serve(now, sent, rate * (1.0 - reserved / room))
        others = min(1.0, stolen + joined / room)
        lateness = [late + self._slice_left(others) for late in lateness]
        lag = self._joins.serve(now, joined, max(rate - sent / seconds, 1e-9))
        in_a_piece = PIECE if self._chance.random() * room < joined else 0.0
        lag = [value + self._chance.random() * in_a_piece for value in lag]
        done = 0
        while self._lumps and self._lumps[0] <= self._joins.served + 1e-12:
            self._lumps.popleft()
            done += 1
        return Step(self._noisy(lateness), self._noisy(lag), sent + joined, sent, done, dropped)

    def _slice_left(self, others: float) -> float:
        """Seconds that a sender waits for the core when others have this share of it."""
        return self._chance.random() * SLICE if self._chance.random() < others else 0.0

    def _receive_media(self, due: float, media: float, room: float) -> float:
        """Queue what will leave in time; the share that was dropped."""
        fits = max(0.0, min(media, MOST_BEHIND * self._cores + room - self._media.backlog))
        self._media.put(fits)
        self._media.mark(due)
        return 1.0 - fits / media if media > 0 else 0.0

    def _noisy(self, seconds: list[float]) -> list[float]:
        noise = self._chance.expovariate
        return [value + noise(1.0 / NOISE) for value in seconds]


class _Queue:
    """Work that comes and goes in order, with marks that tell how late it left."""

    def __init__(self) -> None:
        self.received = 0.0  # CPU seconds ever put in
        self.served = 0.0  # CPU seconds ever taken out
        self._marks: deque[tuple[float, float]] = deque()  # (due, what had been received by then)

    @property
    def backlog(self) -> float:
        """CPU seconds that wait."""
        return self.received - self.served

    def put(self, work: float) -> None:
        """CPU seconds more."""
        self.received += work

    def mark(self, due: float) -> None:
        """Ask how late everything that is in now will have left, against `due`."""
        self._marks.append((due, self.received))

    def serve(self, now: float, work: float, rate: float) -> list[float]:
        """Take out `work` from `now` on at `rate` CPU seconds per second; the lateness of marks passed."""
        before = self.served
        self.served = min(before + work, self.received)
        late = []
        while self._marks and self._marks[0][1] <= self.served + 1e-12:
            due, mark = self._marks.popleft()
            late.append(max(0.0, now + max(0.0, mark - before) / rate - due))
        return late

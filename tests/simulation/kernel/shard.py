"""One relay process: the server's own admission classes around a simulated processor."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from simulation.kernel.bench_costs import Costs as TrueCosts
from simulation.kernel.person import Person
from simulation.kernel.processor import Processor, Step
from simulation.kernel.waiting import ticket_id
from stentor.core.admission.costs import Costs, CostSample
from stentor.core.admission.credits import Credits
from stentor.core.admission.ladder import Ladder, LadderState
from stentor.core.admission.lateness import quantile, worst_p90
from stentor.core.admission.laws import Laws
from stentor.core.admission.seats import SeatLimits, Seats
from stentor.core.admission.shedding import MoveNotice, Shedding

LAG_EVERY = 0.02  # seconds
HALF_OPEN = 5.0  # seconds a verified first contact may wait for its handshake
SECOND = 1.0


@dataclass(slots=True)
class Tally:
    """What happened since the start."""

    seated: int = 0
    refused: int = 0
    """First contacts for whom there was no seat, although a gateway had said so."""
    oversold: int = 0
    """Seated although S had been lower for as long as a handshake may take."""
    expired: int = 0
    """First contacts whose handshake did not begin in time."""
    dropped: float = 0.0
    """Packets that could not leave in their slot."""
    sent: float = 0.0
    late: float = 0.0
    """Packets that left more than 20 ms late."""
    attempts: int = 0
    level_changes: int = 0


class Shard:
    """Call `contact` for a listener's first datagram, `step` through time; `on_seated` is called back."""

    def __init__(
        self,
        number: int,
        *,
        laws: Laws,
        true: TrueCosts,
        chance: random.Random,
        cores: float = 1.0,
        max_seats: int = 1_000_000,
        start: float = 0.0,
        on_seated: Callable[[Person, float], None] = lambda person, now: None,
        on_failed: Callable[[Person, float], None] = lambda person, now: None,
    ) -> None:
        self.number = number
        self.laws = laws
        self.true = true
        self.cores = cores
        self.costs = Costs(laws)
        self.seats = Seats(laws, SeatLimits(cores, max_seats), self.costs, now=start)
        self.credits = Credits(laws, self.costs, cores=cores, now=start)
        self.ladder = Ladder(laws, cores=cores)
        self.shedding = Shedding(laws, shard=number, seed=number.to_bytes(8, "big"))
        self.state = LadderState(20, False, True, 0.0, 0.0)
        self.tally = Tally()
        self.listening: dict[Person, float] = {}  # when they were seated, the oldest first
        self.crowd = 0  # listeners who are not persons: a house that is simply there
        self.stolen: Callable[[float], float] = lambda now: 0.0
        self.lateness = 0.0  # p90 of the last window, of sending or the event loop
        self.heard = 0.0  # p99 of the last window, of sending alone
        self.cpu = 0.0  # share of the cores in the last window
        self.notice: MoveNotice | None = None
        self._recent_seats: deque[int] = deque(
            maxlen=6
        )  # S in the last seconds: a handshake begun then still counts
        self.seated_times: list[float] = []
        self._chance = chance
        self._processor = Processor(cores=cores - true.idle, chance=chance)
        self._queues: tuple[deque[tuple[float, Person | None]], ...] = (deque(), deque())  # returning, new
        self._begun: deque[Person] = deque()
        self._silent: deque[float] = deque()  # contacts that never go on, when they end
        self._on_seated, self._on_failed = on_seated, on_failed
        self._looked_at = start
        self._window = _Window(start)
        self._second = _Second(start)

    @property
    def listeners(self) -> int:
        """Seated."""
        return self.crowd + len(self.listening)

    @property
    def taken(self) -> int:
        """Seated, or on their way."""
        return self.listeners + len(self._begun) + len(self._silent) + sum(map(len, self._queues))

    @property
    def level(self) -> int:
        """ms of audio in a packet."""
        return self.state.level

    @property
    def half_open(self) -> int:
        """First contacts after which nothing comes."""
        return len(self._silent)

    @property
    def contacts(self) -> int:
        """First contacts whose handshake has not begun."""
        return sum(map(len, self._queues))

    def contact(self, person: Person, now: float) -> bool:
        """Their first datagram; False: no seat."""
        if self.taken >= self.seats.total:
            self.tally.refused += 1
            return False
        self._queues[0 if person.returning else 1].append((now, person))
        return True

    def silent_contact(self, now: float) -> bool:
        """A verified Binding request after which nothing comes; it holds a seat until it expires."""
        if self.taken >= self.seats.total:
            return False
        self._silent.append(now + HALF_OPEN)
        return True

    def place(self, person: Person, now: float) -> None:
        """Somebody who has been there for a while: no handshake."""
        self.listening[person] = now
        person.shard, person.seated_at = self.number, now

    def leave(self, person: Person) -> None:
        """They stop listening."""
        self.listening.pop(person, None)
        person.shard = None

    def step(self, now: float, seconds: float) -> Step:
        """From `now` on for `seconds`."""
        stolen = self.stolen(now)
        if stolen < 1.0:
            self._expire(now)
            self._begin(now)
        listeners = self.listeners
        media = listeners * self.true.listener(self.level) * seconds
        done = self._processor.step(now, seconds, media=media, stolen=stolen)
        packets = listeners * 1000.0 / self.level * seconds
        self._count(done, packets, listeners, seconds)
        self._look_at_lag(done, now + seconds)
        for _ in range(done.joins_done):
            self._seat(self._begun.popleft(), now + seconds)
        if stolen < 1.0:
            self._run_laws(now + seconds)
        return done

    def _count(self, done: Step, packets: float, listeners: int, seconds: float) -> None:
        sent = packets * (1.0 - done.dropped)
        self.tally.sent += sent
        self.tally.dropped += packets - sent
        if done.lateness:
            late = sum(value > 0.020 for value in done.lateness)
            self.tally.late += packets * late
        used = done.used + self.true.idle * seconds
        self._window.add(done, used)
        self._second.add(done, sent, listeners, seconds)

    def _look_at_lag(self, done: Step, now: float) -> None:
        """As the load keeper does: what a timer of the loop was late by, about 50 times a second."""
        if done.lag and now - self._looked_at >= LAG_EVERY - 1e-9:
            self._looked_at = now
            self.credits.note_lag(now, done.lag[-1])

    def _expire(self, now: float) -> None:
        while self._silent and self._silent[0] <= now:
            self._silent.popleft()
        for queue in self._queues:
            while queue and queue[0][0] + HALF_OPEN < now:
                _, person = queue.popleft()
                self.tally.expired += 1
                if person is not None:
                    self._on_failed(person, now)

    def _begin(self, now: float) -> None:
        """Start handshakes as credits allow, returning listeners first."""
        for queue, returning in zip(self._queues, (True, False), strict=True):
            while queue and self.credits.take(now, returning=returning):
                _, person = queue.popleft()
                self.tally.attempts += 1
                self._processor.begin_join(self.true.join * self._chance.uniform(0.7, 1.3))
                if person is not None:
                    self._begun.append(person)

    def _seat(self, person: Person, now: float) -> None:
        self.listening[person] = now
        person.shard, person.seated_at = self.number, now
        self.tally.seated += 1
        self.seated_times.append(now)
        if self.listeners > max(self.seats.total, *self._recent_seats, 0):
            self.tally.oversold += 1
        self._on_seated(person, now)

    def _run_laws(self, now: float) -> None:
        window = self._window
        if now - window.began >= self.laws.credit_window - 1e-9:
            self.lateness = worst_p90(window.lag, quantile((value, 1) for value in window.lateness))
            self.heard = quantile(((value, 1) for value in window.lateness), 0.99)
            self.cpu = window.used / ((now - window.began) * self.cores)
            self._climb(now)
            self.credits.update(
                now,
                lateness=self.lateness,
                cpu=self.cpu,
                listeners=self.listeners,
                ptime=self.level,
                costs=self.costs,
                braking=self.state.braking,
                lasts=self.state.lasts,
            )
            self._window = _Window(now)
        if now - self._second.began >= SECOND - 1e-9:
            self._learn(now)

    def _climb(self, now: float) -> None:
        before = self.state.level
        self.state = self.ladder.update(
            now, listeners=self.listeners, costs=self.costs, lateness=self.lateness, cpu=self.cpu
        )
        if self.state.level != before:
            self.tally.level_changes += 1
            self._second.mixed = True

    def _learn(self, now: float) -> None:
        second = self._second
        if not second.mixed:
            self.costs.update(second.sample(now, self.level))
        self._recent_seats.append(self.seats.total)
        self.seats.update(now, self.costs, listeners=self.listeners)
        self.notice = self.shedding.update(
            now,
            level=self.level,
            lateness=self.lateness,
            cpu=self.state.busy,
            listeners=self.listeners,
            newest=((seated, ticket_id(one.number)) for one, seated in reversed(self.listening.items())),
        )
        self._second = _Second(now)


class _Window:
    """What the credit law sees of 250 ms."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.lag: list[float] = []
        self.lateness: list[float] = []
        self.used = 0.0

    def add(self, done: Step, used: float) -> None:
        self.lag += done.lag
        self.lateness += done.lateness
        self.used += used


class _Second:
    """What the measurement of costs sees of a second."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.mixed = False  # the length of packets changed
        self.attempts = 0
        self._media = self._joins = self._packets = self._listened = 0.0

    def add(self, done: Step, packets: float, listeners: int, seconds: float) -> None:
        self._media += done.media_used
        self._joins += done.used - done.media_used
        self.attempts += done.joins_done
        self._packets += packets
        self._listened += listeners * seconds

    def sample(self, now: float, ptime: int) -> CostSample:
        return CostSample(
            seconds=now - self.began,
            media_cpu=self._media,
            packets=round(self._packets),
            listeners=self._listened / (now - self.began),
            ptime=ptime,
            join_cpu=self._joins,
            attempts=self.attempts,
        )

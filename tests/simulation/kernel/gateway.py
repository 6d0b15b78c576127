"""A gateway: answers a POST with a seat, a ticket or "not yet", out of the quotas of the shards."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Literal

from simulation.kernel.person import Person
from simulation.kernel.waiting import ticket_id
from stentor.core.admission.arrivals import Arrivals
from stentor.core.admission.fast_path import FastPath
from stentor.core.admission.laws import Laws
from stentor.core.admission.line import Lottery, Release, Serving, is_called, release_of
from stentor.core.admission.ticket import Ticket
from stentor.core.topology.placement import Candidate, TwoChoices

EVENT = b"an event"
STALE_AFTER = 3.0  # seconds without a heartbeat: takes nobody new
FLIGHT = 0.3  # seconds from a 201 to the shard's heartbeat that counts it
SEEN = 5.0  # seconds after which a called person who does not ask again is not present any more
SAVED = 1.0  # seconds of credits that a gateway may have saved up: one heartbeat

Answer = Literal["seat", "ticket", "early", "retry", "full"]


@dataclass(slots=True)
class Quota:
    """What one shard sets aside for this gateway."""

    seats: int
    """For anybody."""
    reserve: int
    """Beyond those, for listeners who lost theirs."""
    rate: float
    listeners: int
    heard_at: float
    credit: float
    given: deque[float] = field(default_factory=deque)
    """When seats were promised, of those a heartbeat may not have counted."""

    def refill(self, now: float, since: float) -> None:
        """Credits grow with time, and no further than a heartbeat's worth."""
        self.credit = min(self.credit + self.rate * (now - since), max(1.0, self.rate * SAVED))


class Gateway:
    """`number` counts from 0. Every answer is decided here, without asking anyone."""

    def __init__(self, number: int, *, laws: Laws, start: float = 0.0) -> None:
        self.id = number.to_bytes(8, "big")
        self.laws = laws
        self.serving = Serving()
        self.releases: tuple[Release, ...] = ()
        self.lottery: Lottery | None = None
        self.waiting = 0  # as the leader says
        self.arrivals = Arrivals(laws)
        self.shown: Counter[int] = Counter()  # by release, how many of the called have come
        self.demand = 0  # POSTs since the last beat that wanted a seat
        self.answers: Counter[str] = Counter()
        self._fast = FastPath(laws)
        self._placement = TwoChoices()
        self._quotas: dict[int, Quota] = {}
        self._refilled_at = start
        self._present: dict[Person, float] = {}

    def on_heartbeat(
        self, shard: int, *, seats: int, reserve: int, rate: float, listeners: int, now: float
    ) -> None:
        """What the shard sets aside from now on; promises still in flight come off it."""
        known = self._quotas.get(shard)
        given = deque(at for at in known.given if at > now - FLIGHT) if known else deque()
        credit = known.credit if known else 0.0
        self._quotas[shard] = Quota(seats - len(given), reserve, rate, listeners, now, credit, given)

    def forget(self, shard: int) -> None:
        """A shard that is gone."""
        self._quotas.pop(shard, None)

    def present(self, now: float) -> int:
        """Called people who came and have no seat yet."""
        self._present = {person: seen for person, seen in self._present.items() if seen > now - SEEN}
        return len(self._present)

    def is_open(self, now: float) -> bool:
        """Whether a POST without a ticket is answered with a seat."""
        alive = [quota for quota in self._quotas.values() if now - quota.heard_at < STALE_AFTER]
        free = sum(max(0, quota.seats) for quota in alive)
        offered = free + sum(quota.listeners for quota in alive)
        waiting = self.waiting + len(self._present)
        return self._fast.update(now, waiting=waiting, free=free, offered=offered)

    def post(self, person: Person, now: float) -> tuple[Answer, int | None]:
        """The answer, and the shard that a seat is on."""
        answer, shard = self._decide(person, now)
        self.answers[answer] += 1
        return answer, shard

    def _decide(self, person: Person, now: float) -> tuple[Answer, int | None]:
        if person.ticket is None and (person.returning or self.is_open(now)):
            shard = self._take(person, now)
            if shard is not None:
                return "seat", shard
            if person.returning:
                return "retry", None
            return self._to_the_line(person, now)
        if person.ticket is None:
            return self._to_the_line(person, now)
        if not is_called(person.ticket, self.serving, self.lottery):
            return "early", None
        if not person.came:
            person.came = True
            number = release_of(person.ticket, self.releases, self.lottery)
            if number is not None:
                self.shown[number] += 1
        shard = self._take(person, now)
        if shard is None:
            self._present[person] = now
            return ("retry" if self._has_seats() else "full"), None
        self._present.pop(person, None)
        return "seat", shard

    def _to_the_line(self, person: Person, now: float) -> tuple[Answer, int | None]:
        arrival_ms = round(now * 1000)
        person.ticket = Ticket(EVENT, 1, ticket_id(person.number), arrival_ms, 0, 0)
        self.arrivals.add(arrival_ms)
        self.waiting += 1  # until the leader says how many
        self.is_open(now)
        return "ticket", None

    def _has_seats(self) -> bool:
        return any(quota.seats > 0 for quota in self._quotas.values())

    def _take(self, person: Person, now: float) -> int | None:
        """A seat and a credit of one shard; who had a seat may have one of the reserve."""
        self.demand += 1
        since, self._refilled_at = self._refilled_at, now
        candidates = []
        for shard, quota in self._quotas.items():
            quota.refill(now, since)
            free = max(quota.seats, 0) + (quota.reserve if person.returning else 0)
            if free > 0 and quota.credit >= 1.0 and now - quota.heard_at < STALE_AFTER:
                candidates.append(Candidate(shard, free, quota.listeners))
        chosen = self._placement.choose(candidates, ticket_id(person.number))
        if chosen is not None:
            quota = self._quotas[chosen]
            if quota.seats > 0:
                quota.seats -= 1
            else:
                quota.reserve -= 1
            quota.credit -= 1.0
            quota.given.append(now)
        return chosen

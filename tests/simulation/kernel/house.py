"""A whole house in virtual time: shards, gateways, leader, people, and how long news takes between them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from simulation.kernel.bench_costs import Costs
from simulation.kernel.gateway import EVENT, Gateway
from simulation.kernel.leader import Leader
from simulation.kernel.person import Person
from simulation.kernel.series import Series
from simulation.kernel.shard import Shard
from simulation.kernel.timeline import Timeline
from simulation.kernel.waiting import Waiting, ticket_id
from stentor.core.admission.estimate import estimate
from stentor.core.admission.laws import Laws
from stentor.core.admission.line import Lottery
from stentor.core.admission.resume import spread_seconds
from stentor.core.admission.seats import free_seats, rate_shares, shares
from stentor.core.admission.shedding import is_asked
from stentor.core.admission.ticket import Ticket

STEP = 0.01  # seconds: twice as fine as a tick of media
BEAT = 1.0  # seconds between heartbeats
RECORD = 0.25  # seconds between points of the plots
TRAVEL = 0.05  # seconds to a gateway, or from an answer to the first datagram at the shard
STATUS_AGE = 1.0  # seconds that a cached status body may be old
RETRY = 2.0  # seconds that Retry-After says to somebody called for whom there was no credit yet
FULL_RETRY = 5.0  # the same when the house is full
AGAIN = 1.0  # seconds after which a page whose join failed tries again
STATUS_POLL = 10.0  # seconds between two looks of a seated page at the status body
NOTICED = (1.5, 2.0)  # seconds of silence after which a page comes back: 1.5 s, and it looks twice a second


@dataclass(frozen=True, slots=True)
class Plan:
    """What a house is made of."""

    costs: Costs
    seed: int = 1
    shards: int = 2
    gateways: int = 2
    cores: float = 1.0
    max_seats: int = 1_000_000
    """Per shard."""
    laws: Laws = field(default_factory=Laws)
    lottery: Lottery | None = None
    start: float = 0.0
    """Seconds at which virtual time begins: a line may be older than the run."""
    lossy: float = 0.0
    """Share of join attempts that fail for the network's reasons, after they have cost their CPU."""


class House:
    """Build it, `expect` people, then `run`. Everything it did is in `series` and on its parts."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.chance = random.Random(plan.seed)
        self.timeline = Timeline(plan.start)
        self.series = Series()
        self.shards = {number: self._shard(number) for number in range(plan.shards)}
        self.gateways = [Gateway(number, laws=plan.laws, start=plan.start) for number in range(plan.gateways)]
        self.leader = Leader(laws=plan.laws, lottery=plan.lottery)
        self.waiting = Waiting(plan.lottery)
        self.no_show: Callable[[float], float] = lambda called_at: 0.0
        """Share of those called at that time who never come."""
        self.stays: float | None = None
        """Mean seconds that somebody listens; None: to the end."""
        self.on_seated: Callable[[Person, float], None] = lambda person, now: None
        self.on_called: Callable[[int, float], None] = lambda arrival_ms, now: None
        self.posts: Counter[int] = Counter()
        """Requests that reached a gateway, by second."""
        self.errors = 0
        """Somebody was told of a seat and there was none."""
        self.called = 0
        self.moved = 0
        """Listeners whom a shard asked to move and who went."""
        self._people = 0
        self._turn = 0
        self._start_beating()

    @property
    def seated(self) -> int:
        """Listeners."""
        return sum(shard.listeners for shard in self.shards.values())

    @property
    def oversold(self) -> int:
        """Seated where there was no seat."""
        return sum(shard.tally.oversold for shard in self.shards.values())

    def expect(self, times: Iterable[float]) -> None:
        """Somebody who is new at each of these times, which grow."""
        self._next_arrival(iter(times))

    def run(self, until: float) -> None:
        """Up to `until` seconds."""
        start = self.timeline.now
        for number in range(round((until - start) / STEP)):
            now = start + number * STEP
            self.timeline.run(now)
            for shard in self.shards.values():
                shard.step(now, STEP)
        self.timeline.run(until)

    def ask(self, person: Person, now: float) -> None:
        """They POST, and do what the answer says."""
        self.posts[int(now)] += 1
        answer, number = self.chance.choice(self.gateways).post(person, now)
        if answer == "seat":
            assert number is not None
            self.timeline.at(now + TRAVEL, partial(self._arrive, person, number))
        elif answer == "ticket":
            assert person.ticket is not None
            self.waiting.add(person.ticket.arrival_ms, person.number)
        else:  # called and no credit yet, or a status body that ran ahead of this gateway
            again = (FULL_RETRY if answer == "full" else RETRY) * self.chance.uniform(0.8, 1.2)
            self.timeline.at(now + again, partial(self.ask, person))

    def enqueue(self, times: Iterable[float]) -> None:
        """People who have asked at these times, which grow, and hold a ticket: for lines too long to play."""
        gateways = self.gateways
        for time in times:
            self._people += 1
            arrival_ms = round(time * 1000)
            gateways[self._people % len(gateways)].arrivals.add(arrival_ms)
            self.waiting.add(arrival_ms, self._people)

    def lose(self, number: int, *, come_back: float) -> int:
        """A shard dies; that share of its listeners comes back. How many that is."""
        shard = self.shards.pop(number)
        for gateway in self.gateways:
            gateway.forget(number)
        self.leader.forget(number)
        return self.scatter(list(shard.listening), come_back=come_back)

    def scatter(self, people: Iterable[Person], *, come_back: float) -> int:
        """Listeners lose their seats; that share (0 to 1) of them asks again at once. How many that is."""
        back = []
        for person in people:
            shard = self.shards.get(-1 if person.shard is None else person.shard)
            if shard is not None:
                shard.leave(person)
            if self.chance.random() < come_back:
                person.returning, person.ticket, person.shard = True, None, None
                back.append(person)
        spread = spread_seconds(len(back), sum(shard.credits.rate for shard in self.shards.values()))
        for person in back:
            when = self.timeline.now + self.chance.uniform(*NOTICED) + self.chance.random() * spread
            self.timeline.at(when, partial(self.ask, person))
        return len(back)

    def _start_beating(self) -> None:
        """Everybody has a phase of their own."""
        every, start = self.timeline.every, self.plan.start
        for number in self.shards:
            first = start + BEAT * number / len(self.shards)
            every(BEAT, partial(self._heartbeat, number), first=first)
        for number, gateway in enumerate(self.gateways):
            first = start + 0.3 + BEAT * number / len(self.gateways)
            every(BEAT, partial(self.leader.on_report, gateway), first=first)
        every(BEAT, self._lead, first=start + 0.9)
        every(RECORD, self._record, first=start)
        every(STATUS_POLL, self._obey, first=start)

    def _shard(self, number: int) -> Shard:
        return Shard(
            number,
            laws=self.plan.laws,
            true=self.plan.costs,
            chance=random.Random(self.plan.seed * 1000 + number),
            cores=self.plan.cores,
            max_seats=self.plan.max_seats,
            start=self.plan.start,
            on_seated=self._seated,
            on_failed=self._failed,
        )

    def _next_arrival(self, times: Iterator[float]) -> None:
        time = next(times, None)
        if time is not None:
            self.timeline.at(time, lambda now: self._newcomer(now, times))

    def _newcomer(self, now: float, times: Iterator[float]) -> None:
        self._people += 1
        self.ask(Person(self._people, now), now)
        self._next_arrival(times)

    def _arrive(self, person: Person, number: int, now: float) -> None:
        shard = self.shards.get(number)
        if shard is None or not shard.contact(person, now):
            self._failed(person, now)

    def _failed(self, person: Person, now: float) -> None:
        self.errors += 1
        self.timeline.at(now + AGAIN, partial(self.ask, person))

    def _seated(self, person: Person, now: float) -> None:
        shard = self.shards[-1 if person.shard is None else person.shard]
        if self.plan.lossy and self.chance.random() < self.plan.lossy:
            shard.leave(person)
            self.timeline.at(now + AGAIN, partial(self.ask, person))
            return
        if self.stays is not None:
            stay = self.chance.expovariate(1.0 / self.stays)
            self.timeline.at(now + stay, lambda then: shard.leave(person))
        self.on_seated(person, now)

    def _heartbeat(self, number: int, now: float) -> None:
        shard = self.shards.get(number)
        if shard is None or shard.stolen(now) >= 1.0:
            return
        free = free_seats(shard.seats.total, len(self.shards), shard.taken)
        rate = 0.0 if shard.state.braking else shard.credits.rate
        demand = {gateway.id: float(gateway.demand) for gateway in self.gateways}
        self._turn += 1
        seats, rates = shares(free, demand, turn=self._turn), rate_shares(rate, demand)
        reserve = shares(max(0, shard.seats.total - shard.taken) - free, demand, turn=self._turn)
        for gateway in self.gateways:
            name = gateway.id
            gateway.on_heartbeat(
                number,
                seats=seats[name],
                reserve=reserve[name],
                rate=rates[name],
                listeners=shard.taken,
                now=now,
            )
        self.leader.on_heartbeat(number, free, rate)

    def _obey(self, now: float) -> None:
        """Pages look at the status body and go when they are asked to, some time before the deadline."""
        for shard in self.shards.values():
            notice = shard.notice
            if notice is None:
                continue
            for person in [
                one for one, at in shard.listening.items() if is_asked(notice, ticket_id(one.number), at)
            ]:
                when = self.chance.uniform(now, max(now, notice.deadline))
                self.timeline.at(when, partial(self._move, person, shard))

    def _move(self, person: Person, shard: Shard, now: float) -> None:
        if person in shard.listening:
            self.moved += 1
            self.scatter([person], come_back=1.0 if len(self.shards) > 1 else 0.0)

    def _lead(self, now: float) -> None:
        rate = self.leader.rate or sum(shard.credits.rate for shard in self.shards.values())
        release = self.leader.step(now)
        self.leader.tell(self.gateways)
        for gateway in self.gateways:
            gateway.demand = 0
        if release is not None:
            self._wake(now, rate)

    def _wake(self, now: float, rate: float) -> None:
        """Everybody newly called finds it at the next look at the status body, or never comes."""
        nobody = self.no_show(now)
        for ahead, (arrival_ms, number) in enumerate(self.waiting.called(self.leader.line.serving), 1):
            self.called += 1
            self.on_called(arrival_ms, now)
            if self.chance.random() < nobody:
                continue
            ticket = Ticket(EVENT, 1, ticket_id(number), arrival_ms, 0, 0)
            person = Person(number, arrival_ms / 1000, ticket=ticket, called_at=now)
            spread = self.chance.uniform(-1.0, 1.0)
            look = estimate(self.plan.laws, ahead=ahead, rate=rate, full=False, spread=spread).poll
            when = now + TRAVEL + self.chance.random() * (STATUS_AGE + look)
            self.timeline.at(when, partial(self.ask, person))

    def _record(self, now: float) -> None:
        shards = list(self.shards.values())
        self.series.add(
            now,
            seated=self.seated,
            seats=sum(shard.seats.total for shard in shards),
            credits=sum(shard.credits.rate for shard in shards),
            joined=sum(shard.tally.seated for shard in shards),
            level=max((shard.level for shard in shards), default=0),
            lateness_ms=1000 * max((shard.lateness for shard in shards), default=0),
            heard_ms=1000 * max((shard.heard for shard in shards), default=0),
            cpu=max((shard.cpu for shard in shards), default=0),
            waiting=len(self.waiting),
            called=self.called,
            present=sum(gateway.present(now) for gateway in self.gateways),
        )

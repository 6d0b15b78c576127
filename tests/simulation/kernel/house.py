"""A whole house in virtual time: shards, gateways, leader, people, and how long news takes between them."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

from simulation.kernel.bench_costs import Costs
from simulation.kernel.gateway import EPOCH, EVENT, Gateway
from simulation.kernel.person import Person
from simulation.kernel.series import Series
from simulation.kernel.shard import Shard
from simulation.kernel.timeline import Timeline
from simulation.kernel.waiting import Waiting, ticket_id
from stentor.core.admission.beat_pace import INTERVAL, seconds_to_next
from stentor.core.admission.estimate import estimate
from stentor.core.admission.laws import Laws
from stentor.core.admission.line import WHOLE, Lottery, Serving
from stentor.core.admission.seats import free_seats, shares
from stentor.core.admission.ticket import Ticket
from stentor.core.links import Heartbeat
from stentor.gateway.event_line import EventLine
from stentor.gateway.line_leader import LineLeader
from support.moves import is_asked

STEP = 0.01  # seconds: twice as fine as a tick of media
BEAT = INTERVAL  # seconds between heartbeats, but for the last seats
RECORD = 0.25  # seconds between points of the plots
TRAVEL = 0.05  # seconds to a gateway, or from an answer to the first datagram at the shard
STATUS_AGE = 1.0  # seconds that a cached status body may be old
OBEYED = (1.0, 1.2)  # times what Retry-After says: never sooner, and not all at once
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
        self.gateways = [Gateway(number, laws=plan.laws) for number in range(plan.gateways)]
        self.leader = LineLeader(plan.laws)
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
        self._beaten: Counter[int] = Counter()  # listeners at the heartbeat before, by shard
        self._slow = (-math.inf, 0.0, False)  # when it last moved slower than it could, how fast, house full
        self._in_line: dict[int, Person] = {}
        self._queued = 0  # so many waited before the run, and are numbers only
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
        gateway = self.chance.choice(self.gateways)
        if person.ticket is None and not person.returning and gateway.shows_line:
            gateway.take_place(person, now)
            self._wait(person)
            return
        answer = gateway.post(person, now)
        if answer.word == "seat":
            self.timeline.at(now + TRAVEL, partial(self._arrive, person, answer.shard))
            return
        again = now + answer.retry_after * self.chance.uniform(*OBEYED)
        if answer.word == "no-room":
            self.timeline.at(again, partial(self.ask, person))
            return
        self._wait(person)
        if answer.word == "ticket":
            self.timeline.at(again, partial(self._bring, person))

    def enqueue(self, times: Iterable[float]) -> None:
        """People who have asked at these times, which grow, and hold a ticket: for lines too long to play."""
        gateways = self.gateways
        for time in times:
            self._people += 1
            gateways[self._people % len(gateways)].enqueue(self._people, time)
            self.waiting.add(round(time * 1000), self._people)
        self._queued = self._people

    def lose(self, number: int, *, come_back: float) -> int:
        """A shard dies; that share of its listeners comes back. How many that is."""
        shard = self.shards.pop(number)
        for gateway in self.gateways:
            gateway.forget(number)
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
        for person in back:
            self.timeline.at(self.timeline.now + self.chance.uniform(*NOTICED), partial(self.ask, person))
        return len(back)

    def _start_beating(self) -> None:
        """Everybody has a phase of their own."""
        every, start = self.timeline.every, self.plan.start
        for number in self.shards:
            self.timeline.at(start + BEAT * number / len(self.shards), partial(self._heartbeat, number))
        for number, gateway in enumerate(self.gateways):
            # The first one leads.
            first = start + 0.9 - BEAT * number / len(self.gateways)
            every(BEAT, partial(self._beat, gateway), first=first)
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
        if shard is None:
            return
        if shard.stolen(now) >= 1.0:
            self.timeline.at(now + BEAT, partial(self._heartbeat, number))
            return
        whole = self._beat_of(shard, now)
        self._turn += 1
        parts = shares(whole.seats_free, [gateway.id for gateway in self.gateways], turn=self._turn)
        for gateway in self.gateways:
            part = replace(
                whole, seats_free=parts[gateway.id], credits=(whole.credits or 0.0) / len(self.gateways)
            )
            gateway.on_heartbeat(part, now)
        again = seconds_to_next(whole, listeners_before=self._beaten[number])
        self._beaten[number] = whole.listeners
        self.timeline.at(now + again, partial(self._heartbeat, number))

    def _beat_of(self, shard: Shard, now: float) -> Heartbeat:
        braking = shard.state.braking
        rate = self.plan.laws.credit_floor if braking else shard.credits.offered(shard.contacts)
        return Heartbeat(
            shard.number,
            relay_time=now,
            state="braking" if braking or shard.credits.is_paused(now) else "ready",
            seats_free=free_seats(shard.seats.total, len(self.shards), shard.taken),
            listeners=shard.listeners,
            seats_total=shard.seats.total,
            credits=rate,
            ptime=shard.level,
        )

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

    def _beat(self, gateway: Gateway, now: float) -> None:
        """As `gateway/line_beat.py` does it."""
        room, counts = gateway.room(now, len(self.gateways)), gateway.report(now)
        self.leader.on_room(gateway.id, room, now=now)
        if counts is not None:
            self.leader.on_counts(gateway.id, counts, now=now)
        if gateway is self.gateways[0]:
            self._lead(now)
        gateway.tick(room, now, len(self.gateways))

    def _lead(self, now: float) -> None:
        if self.plan.lottery is not None:
            self.leader.draw_lots(EVENT, self.plan.lottery)
        notices = self.leader.step(now, now_ms=round(now * 1000))
        for notice in notices:
            for gateway in self.gateways:
                gateway.on_notice(notice, now)
        line = self.gateways[0].desk.line(EVENT)
        if line is None:
            return
        if self.plan.lottery is not None:
            for one in self.gateways:
                if (held := one.desk.line(EVENT)) is not None:
                    held.lottery = self.plan.lottery
        serving = Serving(WHOLE, round(now * 1000)) if line.is_open else line.serving
        for ahead, (arrival_ms, number) in enumerate(self.waiting.called(serving), 1):
            self._wake(line, ahead, arrival_ms, number, now)
        if line.rate(now) < line.pace / 2:
            self._slow = now, line.rate(now), not any(one.room(now, 1).free for one in self.gateways)

    def _wait(self, person: Person) -> None:
        """The status body calls them."""
        assert person.ticket is not None
        self._in_line[person.number] = person
        self.waiting.add(person.ticket.arrival_ms, person.number)

    def _bring(self, person: Person, now: float) -> None:
        """A page asks once more: it is called, or its ticket came with a 503 and does not count yet."""
        if self._in_line.pop(person.number, None) is not None:  # else it has done so already
            self.ask(person, now)

    def _wake(self, line: EventLine, ahead: int, arrival_ms: int, number: int, now: float) -> None:
        """Somebody is called and finds it at the next look at the status body, or never comes."""
        person = self._in_line.get(number)
        if person is None:
            if number > self._queued:
                return  # they have asked by themselves
            ticket = Ticket(EVENT, EPOCH, ticket_id(number), arrival_ms, 0, 0)
            person = Person(number, arrival_ms / 1000, ticket=ticket)
        self.called += 1
        self.on_called(arrival_ms, now)
        if self.chance.random() < self.no_show(now):
            self._in_line.pop(number, None)
            return
        self._in_line[number] = person
        when = self._next_look(line, ahead, now) + self.chance.random() * STATUS_AGE + TRAVEL
        self.timeline.at(when, partial(self._bring, person))

    def _next_look(self, line: EventLine, ahead: int, now: float) -> float:
        """When a page looks next; the look that comes was planned when the line may have been slow."""
        laws, spread = self.plan.laws, self.chance.uniform(-1.0, 1.0)
        looked = partial(estimate, laws, ahead=ahead, pace=line.pace, spread=spread)
        slow_at, rate, full = self._slow
        first = slow_at + self.chance.random() * looked(rate=rate, full=full).poll
        if first > now:
            return first
        return now + self.chance.random() * looked(rate=line.rate(now), full=False).poll

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
            present=sum(counts.present for one in self.gateways if (counts := one.desk.counts(EVENT))),
        )

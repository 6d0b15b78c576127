"""A gateway: the server's own line desk and shard table, without HTTP around them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Literal

from simulation.kernel.person import Person
from simulation.kernel.waiting import ticket_id
from stentor.core.admission.arrivals import Arrivals
from stentor.core.admission.laws import Laws
from stentor.core.admission.ticket import Ticket
from stentor.core.links import Heartbeat, ShardRecord
from stentor.gateway.line_desk import LineDesk, Verdict
from stentor.gateway.line_notes import LineCounts, Room, ServingNotice
from stentor.gateway.room import room_of
from stentor.gateway.shard_table import ShardTable

EVENT = b"an event"
EPOCH = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """What a POST is answered with."""

    word: Literal["seat", "ticket", "early", "no-room"]
    """201; 503 with a ticket; 425: not called yet; 503: called, and no seat or credit at this moment."""
    shard: int = 0
    """Where the seat is."""
    retry_after: int = 0
    """Seconds, without a seat."""


class Gateway:
    """`number` counts from 0. Every answer is decided here, without asking anyone."""

    def __init__(self, number: int, *, laws: Laws) -> None:
        self.id = number.to_bytes(8, "big")
        self.laws = laws
        self.desk = LineDesk(laws)
        self.shards = ShardTable()
        self.shows_line = False
        """Whether the status body that was last written has a line in it."""
        self.answers: Counter[str] = Counter()

    def on_heartbeat(self, beat: Heartbeat, now: float) -> None:
        """What a shard says of itself."""
        self.shards.on_record(ShardRecord(beat.shard, "relay", 0, bytes(32), "", ()))
        self.shards.on_heartbeat(beat, now)

    def forget(self, shard: int) -> None:
        """A shard that is gone."""
        self.shards.on_removed(shard)

    def room(self, now: float, gateways: int) -> Room:
        """What it tells the leader of the shards."""
        return room_of(self.shards.totals(now), gateways)

    def report(self, now: float) -> LineCounts | None:
        """What it has counted, as it is sent: a copy. None: nobody has asked yet."""
        self.desk.forget_gone(now)
        counts = self.desk.counts(EVENT)
        if counts is None:
            return None
        said = counts.arrivals
        return replace(counts, arrivals=Arrivals(self.laws, counts=said.counts(), step_ms=said.step_ms))

    def on_notice(self, notice: ServingNotice, now: float) -> None:
        """What the leader says."""
        self.desk.on_notice(notice, now=now, wall_ms=round(now * 1000))

    def tick(self, room: Room, now: float, gateways: int) -> None:
        """The end of its beat: the status body is written."""
        self.desk.tick(now, room, gateways=gateways)
        line = self.desk.line(EVENT)
        self.shows_line = line is not None and not line.is_open

    def take_place(self, person: Person, now: float) -> None:
        """A ticket without asking for a seat: what a page does that sees a line."""
        person.ticket = _ticket(person.number, now)
        self.desk.queue(EVENT, EPOCH, person.ticket, now=now)

    def enqueue(self, number: int, now: float) -> None:
        """A place in a line that is there already, without the person: for lines too long to play."""
        line = self.desk.line(EVENT)
        if line is None or line.is_open:
            self.desk.turned_back(
                EVENT, EPOCH, _ticket(number, now), verdict=Verdict("enter", is_new=True), now=now
            )
        self.desk.queue(EVENT, EPOCH, _ticket(number, now), now=now)

    def post(self, person: Person, now: float) -> Answer:
        """As `gateway/whep.py` does it."""
        answer = self._admit(person, now)
        self.answers[answer.word] += 1
        return answer

    def _admit(self, person: Person, now: float) -> Answer:
        is_new = person.ticket is None
        ticket = person.ticket = _ticket(person.number, now) if person.ticket is None else person.ticket
        verdict = self.desk.knock(EVENT, EPOCH, ticket, is_new=is_new, may_resume=person.returning, now=now)
        if verdict.word != "enter":
            word: Literal["ticket", "early"] = "ticket" if verdict.word == "wait" else "early"
            return Answer(word, retry_after=verdict.retry_after)
        shard = self.shards.pick("relay", ticket.ticket_id, now, returning=verdict.is_returning)
        if shard is None:
            retry = self.desk.turned_back(EVENT, EPOCH, ticket, verdict=verdict, now=now)
            return Answer("ticket" if is_new and not person.returning else "no-room", retry_after=retry)
        self.desk.seated(EVENT, EPOCH, ticket, now=now)
        return Answer("seat", shard.shard)


def _ticket(number: int, now: float) -> Ticket:
    return Ticket(EVENT, EPOCH, ticket_id(number), round(now * 1000), 0, 0)

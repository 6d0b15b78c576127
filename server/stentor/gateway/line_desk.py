"""Who may take a seat, who waits and who is too early: this gateway's view of the lines of all events.

Nothing here asks anybody: tickets are signed, thresholds come once a second from the leader.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stentor.core.admission.laws import Laws
from stentor.core.admission.line import Serving
from stentor.core.admission.ticket import Ticket
from stentor.gateway.event_line import EventLine
from stentor.gateway.line_notes import LineCounts, Room, ServingNotice
from stentor.gateway.returning_first import ReturningFirst

CAPACITY = 10_000  # events with a line of their own, as many as the book holds
FORGOTTEN_AFTER = 600.0  # seconds without a knock: as long as a resume token lives

NO_ROOM = Room(free=0, offered=0, credit_rate=0.0)

Word = Literal["enter", "wait", "too-early"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What somebody who asks for a seat is told."""

    word: Word
    """`enter`: pick a shard. `wait`: 503 with the ticket. `too-early`: 425, the place is kept."""
    retry_after: int = 0
    """Seconds, unless the word is `enter`."""
    is_returning: bool = False
    """They had a seat minutes ago: the credits kept for returning listeners are theirs."""
    is_new: bool = False
    """The ticket was made for them just now."""


class LineDesk:
    """Lines by event key. `now` is monotonic seconds."""

    def __init__(self, laws: Laws | None = None) -> None:
        """`laws`: the constants of admission; None: those that are shipped."""
        self.laws = Laws() if laws is None else laws
        self.room = NO_ROOM
        """What all relays offered when last looked at."""
        self.returning = ReturningFirst()
        """Who came back to a full house and is expected again."""
        self._lines: dict[bytes, EventLine] = {}

    def knock(
        self, event: bytes, epoch: int, ticket: Ticket, *, is_new: bool, may_resume: bool, now: float
    ) -> Verdict:
        """Somebody asks for a seat with `ticket`; `is_new`: made for them just now.

        After `enter` the caller reports `seated` or `turned_back`.
        """
        line = self._line(event, epoch, now)
        if may_resume:
            return Verdict("enter", is_returning=True)
        if line.is_open:
            return Verdict("enter", is_new=is_new)
        if not is_new and line.is_called(ticket):
            return Verdict("enter")
        self._refuse(line, ticket, now, is_new=is_new)
        retry = line.retry_after(ticket, now, self.room)
        return Verdict("wait" if is_new else "too-early", retry, is_new=is_new)

    def queue(self, event: bytes, epoch: int, ticket: Ticket, *, now: float) -> None:
        """Somebody took a ticket without asking for a seat; while nobody waits that is no place in a line."""
        line = self._line(event, epoch, now)
        if not line.is_open:
            line.wait(ticket, now)

    def seated(self, event: bytes, epoch: int, ticket: Ticket, *, now: float) -> None:
        """Whoever was let through has a seat."""
        self._line(event, epoch, now).seated(ticket)

    def turned_back(self, event: bytes, epoch: int, ticket: Ticket, *, verdict: Verdict, now: float) -> int:
        """Whoever was let through found no seat or credit. Returns Retry-After; the place is kept."""
        line = self._line(event, epoch, now)
        if verdict.is_returning or (not verdict.is_new and line.is_called(ticket)):
            line.stands(ticket, now)
            return 1
        self._refuse(line, ticket, now, is_new=verdict.is_new)
        return line.retry_after(ticket, now, self.room)

    @property
    def is_full(self) -> bool:
        """Whether no offered seat is free."""
        return self.room.free <= 0

    @property
    def waiting(self) -> int:
        """People in line whom this gateway knows of, called and present ones too."""
        return sum(line.waiting + line.present for line in self._lines.values())

    def line(self, event: bytes) -> EventLine | None:
        """The line of an event that somebody has asked for a seat in."""
        return self._lines.get(event)

    def lines(self) -> list[EventLine]:
        """All of them."""
        return list(self._lines.values())

    def on_notice(self, notice: ServingNotice, *, now: float, wall_ms: int) -> None:
        """Take over what the leader says. Notices of an older epoch are ignored."""
        line = self._line(notice.event, notice.epoch, now, touch=False)
        if line.epoch == notice.epoch:
            line.on_serving(notice, now=now, wall_ms=wall_ms)

    def on_serving(self, event: bytes, serving: Serving, epoch: int, *, now: float) -> None:
        """The thresholds alone, from whoever knows them; they only rise."""
        line = self._line(event, epoch, now, touch=False)
        if line.epoch == epoch:
            line.serving = line.serving.risen(serving)

    def counts(self, event: bytes) -> LineCounts | None:
        """What this gateway has counted of a line; None when nobody has asked."""
        line = self._lines.get(event)
        return None if line is None else line.counts()

    def forget_gone(self, now: float) -> None:
        """Before anything is counted: see `EventLine.forget_gone`."""
        for line in self.lines():
            line.forget_gone(now)

    def tick(self, now: float, room: Room, *, gateways: int = 1) -> None:
        """Once a second, after the leader's notices. `room` is the part of this one of so many gateways."""
        self.room = room
        for line in self.lines():
            line.tick(now, room, gateways=gateways)
            if line.is_idle and now - line.touched_at > FORGOTTEN_AFTER:
                del self._lines[line.event]

    def _refuse(self, line: EventLine, ticket: Ticket, now: float, *, is_new: bool) -> None:
        if is_new:
            line.send_away(ticket, now, self.room)
        else:
            line.wait(ticket, now)

    def _line(self, event: bytes, epoch: int, now: float, *, touch: bool = True) -> EventLine:
        line = self._lines.get(event)
        if line is None or epoch > line.epoch:  # a line that began anew does not know older places
            if line is None and len(self._lines) >= CAPACITY:
                self._lines.pop(next(iter(self._lines)))
            line = self._lines[event] = EventLine(self.laws, event, epoch, now=now)
        if touch:
            line.touched_at = now
        return line

"""The line of one event as one gateway sees it: who came here, who is called, how far the line has moved."""

from __future__ import annotations

import math
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass

from stentor.core.admission.arrivals import Arrivals
from stentor.core.admission.estimate import ahead_of, estimate
from stentor.core.admission.fast_path import FastPath
from stentor.core.admission.laws import Laws
from stentor.core.admission.line import Lottery, Release, Serving, is_called, release_of
from stentor.core.admission.ticket import Ticket
from stentor.gateway.line_notes import LineCounts, Room, ServingNotice

PRESENT_FOR = 1.5  # seconds: whoever was told "in a second" has come again by then, if only elsewhere
RELEASES_FOR = 120.0  # seconds of the line's movement that the status body shows
RATE_OVER = 30.0  # seconds of releases that the rate is taken from
HEEDED_FOR = 10.0  # seconds: whoever understands tickets has come back with one by then
REMEMBERED = 65_536  # tickets told apart, of those seen last: about 8 MB


@dataclass(frozen=True, slots=True)
class _Seen:
    """A release, and when this gateway heard of it (monotonic seconds; ms since 1970)."""

    release: Release
    at: float
    wall_ms: int


@dataclass(frozen=True, slots=True)
class _Standing:
    """A called person without a seat: asked last at that time; called by that release, if it is known."""

    since: float
    release: int | None


class EventLine:
    """`now` is monotonic seconds everywhere."""

    def __init__(self, laws: Laws, event: bytes, epoch: int, *, now: float) -> None:
        self._laws = laws
        self.event = event
        self.epoch = epoch
        self.serving = Serving()
        self.lottery: Lottery | None = None
        """Set when the start was oversubscribed; None: everybody goes by arrival time."""
        self.waiting = 0
        self.present = 0
        self.curve: tuple[tuple[int, int], ...] = ()
        self.pace = 0.0
        """Joins a second that the whole house takes: no line moves faster."""
        self.touched_at = now
        self._fast = FastPath(laws)
        self._open = True
        self._number = 0
        self._ahead = 0  # people who may still be called before the leader knows of the line
        self._since_tick = 0  # people who were sent away since the leader last drew the curve
        self._closed_at = -math.inf  # when the line last began
        self._held_from = -math.inf  # from when whoever was sent away has a moment to bring the ticket back
        self._heeded_at = -math.inf  # when a ticket was last brought back: plain WHEP clients never do
        self._arrivals = Arrivals(laws)
        self._counted: OrderedDict[bytes, None] = OrderedDict()
        self._shown: Counter[int] = Counter()
        self._came: OrderedDict[bytes, None] = OrderedDict()
        self._present: OrderedDict[bytes, _Standing] = OrderedDict()
        self._seen: deque[_Seen] = deque()

    @property
    def is_open(self) -> bool:
        """Whether whoever comes is seated at once."""
        return self._open

    @property
    def called(self) -> int:
        """People whom the line has called so far, at all gateways."""
        return max(0, (self.curve[-1][1] if self.curve else 0) - self.waiting)

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to remember of it."""
        return self._open and not (self.waiting or self._present or self._seen)

    def is_called(self, ticket: Ticket) -> bool:
        """Whether its holder may come."""
        return is_called(ticket, self.serving, self.lottery)

    def send_away(self, ticket: Ticket, now: float, room: Room) -> None:
        """Somebody new was given a ticket and no seat. It counts when it is brought back.

        A plain WHEP client takes a new ticket with every try and brings none back: counted, such a crowd
        would be a line that never ends and in which nobody answers.

        The first of a line are called as they are sent away: so many would be in any case once the leader
        knows of them, and until then the credits of two seconds would be lost.
        """
        if self._open:
            self._ahead = min(room.free, round(self._laws.line_ready * room.credit_rate))
        self._since_tick += 1
        self._close(now)
        if self._ahead > 0 and self.lottery is None:
            self._ahead -= 1
            self.serving = self.serving.risen(Serving(0, ticket.arrival_ms))

    def wait(self, ticket: Ticket, now: float) -> None:
        """Count a ticket whose holder is known to wait, once."""
        if _remember(self._counted, ticket.ticket_id):
            self._arrivals.add(ticket.arrival_ms)
        self._heeded_at = now
        self._close(now)

    def stands(self, ticket: Ticket, now: float) -> None:
        """Its holder was let through, but there was no seat or credit at this moment; they come again."""
        self._present[ticket.ticket_id] = _Standing(now, self._release_of(ticket))
        self._present.move_to_end(ticket.ticket_id)
        self._heeded_at = now
        self._close(now)

    def seated(self, ticket: Ticket) -> None:
        """Its holder has been given a seat: count it for its cohort, once."""
        self._present.pop(ticket.ticket_id, None)
        number = self._release_of(ticket)
        if number is not None and _remember(self._came, ticket.ticket_id):
            self._shown[number] += 1

    def on_serving(self, notice: ServingNotice, *, now: float, wall_ms: int) -> None:
        """Take over what the leader says; thresholds only rise."""
        self.serving = self.serving.risen(notice.serving)
        self.waiting, self.present, self.curve = notice.waiting, notice.present, notice.curve
        self._since_tick = 0
        if notice.release is not None:
            self._ahead = 0
        if notice.release is not None and notice.release.number > self._number:
            self._number = notice.release.number
            self._seen.append(_Seen(notice.release, now, wall_ms))

    def _release_of(self, ticket: Ticket) -> int | None:
        return release_of(ticket, [seen.release for seen in self._seen], self.lottery)

    def forget_gone(self, now: float) -> None:
        """Whoever stood here and has not come again is not waited for."""
        while self._present and now - next(iter(self._present.values())).since > PRESENT_FOR:
            self._present.popitem(last=False)

    def tick(self, now: float, room: Room, *, gateways: int = 1) -> None:
        """Once a second: decide whether the next ones are seated at once.

        `room`: what the relays offer this gateway, one of so many.
        """
        self.pace = room.credit_rate * gateways
        self.forget_gone(now)
        while self._seen and now - self._seen[0].at > RELEASES_FOR:
            self._shown.pop(self._seen.popleft().release.number, None)
        wanting = self.waiting + max(self.present, len(self._present))
        fast = self._fast.update(now, waiting=wanting, free=room.free, offered=room.offered)
        # Where nobody brings a ticket back there is nobody to keep seats for, be they the last ones.
        unheeded = now - self._heeded_at >= HEEDED_FOR
        held = now - self._held_from < self._laws.line_quiet
        if room.free > 0 and not wanting and not held and (fast or unheeded):
            self._open = True
        elif not fast:
            self._close(now)

    def _close(self, now: float) -> None:
        if not self._open:
            return
        self._open = False
        if now - self._closed_at > HEEDED_FOR:  # a crowd that nothing is known of yet
            self._heeded_at = now
        if now - self._heeded_at < HEEDED_FOR:
            self._held_from = now
        self._closed_at = now

    def counts(self) -> LineCounts:
        """What the leader wants to know.

        Whoever stands here may have been at another gateway before: only seats are counted for good.
        """
        here = Counter(one.release for one in self._present.values() if one.release is not None)
        shown = tuple((self._shown + here).items())
        return LineCounts(
            self.event, self.epoch, self.serving, self._number, self._arrivals, len(self._present), shown
        )

    def rate(self, now: float) -> float:
        """People called per second, lately."""
        recent = [seen for seen in self._seen if now - seen.at <= RATE_OVER]
        if not recent:
            return 0.0
        return sum(seen.release.people for seen in recent) / max(now - recent[0].at, 1.0)

    def retry_after(self, ticket: Ticket, now: float, room: Room) -> int:
        """Whole seconds until it is worth asking again for this ticket's holder."""
        if self.is_called(ticket):
            return 1
        if room.free <= 0:
            return math.ceil(self._laws.poll_most)  # a request costs more than a look at the status body
        ahead = ahead_of(self.curve, self.serving, ticket.arrival_ms) + self._since_tick
        # A line that has just begun has not moved yet.
        pace = self.pace or room.credit_rate
        looked = estimate(self._laws, ahead=ahead, rate=self.rate(now), pace=pace, full=False, spread=0.0)
        return max(1, math.ceil(looked.poll))

    def trail(self, every_ms: int) -> list[tuple[int, int, int]]:
        """(ms since 1970, share, arrival ms) of the last two minutes, one at most for each `every_ms`."""
        points: list[tuple[int, int, int]] = []
        for seen in self._seen:
            serving = seen.release.serving
            point = (seen.wall_ms, serving.share, serving.arrival_ms)
            if points and seen.wall_ms // every_ms == points[-1][0] // every_ms:
                points[-1] = point
            else:
                points.append(point)
        return points


def _remember(known: OrderedDict[bytes, None], ticket_id: bytes) -> bool:
    """Whether it was unknown; of too many the oldest is forgotten."""
    if ticket_id in known:
        return False
    known[ticket_id] = None
    if len(known) > REMEMBERED:
        known.popitem(last=False)
    return True

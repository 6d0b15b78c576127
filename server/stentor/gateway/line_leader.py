"""The admission leader: decides once a second how many more of each line are called. No shell, no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from stentor.core.admission.arrivals import Arrivals, merged
from stentor.core.admission.laws import Laws
from stentor.core.admission.line import Line, Lottery
from stentor.core.admission.release import ReleaseLaw
from stentor.gateway.line_notes import LineCounts, Room, ServingNotice

SILENT_AFTER = 5.0  # seconds without a report: whoever stands at that gateway's door is not waited for


@dataclass(slots=True)
class _Report:
    counts: LineCounts
    heard_at: float


@dataclass(slots=True)
class _Led:
    """One event."""

    epoch: int
    line: Line
    law: ReleaseLaw
    lottery: Lottery | None = None
    reports: dict[bytes, _Report] = field(default_factory=dict)

    def arrivals(self, laws: Laws) -> Arrivals:
        """Of all gateways, also of those that are gone: their tickets are still in people's hands."""
        if len(self.reports) == 1:
            return next(iter(self.reports.values())).counts.arrivals
        return merged(laws, {name: report.counts.arrivals for name, report in self.reports.items()})

    def present(self, now: float) -> int:
        return sum(
            report.counts.present for report in self.reports.values() if now - report.heard_at <= SILENT_AFTER
        )

    def shown(self) -> Mapping[int, int]:
        total: Counter[int] = Counter()
        for report in self.reports.values():
            total.update(dict(report.counts.shown))
        return total


class LineLeader:
    """`now` is the leader's monotonic clock, `now_ms` its time of day, in which tickets are dated."""

    def __init__(self, laws: Laws | None = None) -> None:
        """`laws`: the constants of admission; None: those that are shipped."""
        self._laws = Laws() if laws is None else laws
        self._led: dict[bytes, _Led] = {}
        self._rooms: dict[bytes, tuple[Room, float]] = {}

    def on_counts(self, gateway: bytes, counts: LineCounts, *, now: float) -> None:
        """Take over a gateway's report. The highest thresholds anybody has seen are where a leader begins."""
        led = self._led.get(counts.event)
        if led is None or counts.epoch > led.epoch:
            led = self._led[counts.event] = self._begin(counts)
        elif counts.epoch < led.epoch:
            return
        led.line.learn(counts.serving)
        led.reports[gateway] = _Report(counts, now)

    def on_room(self, gateway: bytes, room: Room, *, now: float) -> None:
        """Take over what the relays offer that gateway; the sum of all is what there is."""
        self._rooms[gateway] = (room, now)

    def draw_lots(self, event: bytes, lottery: Lottery) -> None:
        """Order those who came before the start by lot, from now on; an unknown event is ignored."""
        led = self._led.get(event)
        if led is not None:
            led.lottery = lottery

    def forget(self, event: bytes) -> None:
        """The event is over."""
        self._led.pop(event, None)

    def step(self, now: float, *, now_ms: int) -> list[ServingNotice]:
        """Call as many of each line as the release law says; one notice per line with somebody in it."""
        standing = {event: led.arrivals(self._laws) for event, led in self._led.items()}
        waiting = {
            event: self._led[event].line.waiting(arrivals, self._led[event].lottery)
            for event, arrivals in standing.items()
        }
        everybody, room = sum(waiting.values()), self._room(now)
        return [
            self._step(
                event,
                arrivals,
                waiting[event],
                now=now,
                now_ms=now_ms,
                # Several lines at once share the house by their length.
                room=_part(room, waiting[event] / everybody if everybody else 1.0),
            )
            for event, arrivals in standing.items()
            if arrivals.total
        ]

    def _room(self, now: float) -> Room:
        self._rooms = {name: kept for name, kept in self._rooms.items() if now - kept[1] <= SILENT_AFTER}
        rooms = [room for room, _ in self._rooms.values()]
        return Room(
            free=sum(room.free for room in rooms),
            offered=sum(room.offered for room in rooms),
            credit_rate=sum(room.credit_rate for room in rooms),
        )

    def _step(
        self, event: bytes, arrivals: Arrivals, waiting: int, *, now: float, now_ms: int, room: Room
    ) -> ServingNotice:
        led = self._led[event]
        people = led.law.step(
            now,
            free_seats=room.free,
            credit_rate=room.credit_rate,
            present=led.present(now),
            waiting=waiting,
            shown=led.shown(),
        )
        release = led.line.release(people, arrivals, now=now, now_ms=now_ms, lottery=led.lottery)
        if release is not None:
            led.law.released(now, release.number, release.people)
        return ServingNotice(
            event=event,
            epoch=led.epoch,
            serving=led.line.serving,
            release=release,
            waiting=led.line.waiting(arrivals, led.lottery),
            present=led.present(now),
            curve=arrivals.curve(self._laws.line_curve),
        )

    def _begin(self, counts: LineCounts) -> _Led:
        line = Line(serving=counts.serving, number=counts.number)
        return _Led(counts.epoch, line, ReleaseLaw(self._laws))


def _part(room: Room, share: float) -> Room:
    return Room(int(room.free * share), int(room.offered * share), room.credit_rate * share)

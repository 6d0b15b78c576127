"""A gateway's counts as the reports of one second: what has changed, and a part of all the rest.

What changed is said in three seconds in a row; the rest goes round, a datagram's worth of each line a second,
so that whoever missed all three, or has just started, knows everything some seconds later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from stentor.core.admission.line import NOBODY
from stentor.core.mesh.line_messages import MAX_SHOWN, BucketRow, LineReport, LineRow, bucket_rows, pages
from stentor.gateway.line_notes import LineCounts, Room

SAID = 3  # seconds in which a change is said
ROUND = 300  # buckets of a line that go round each second: a datagram's worth, twelve seconds for the most
MAX_REPORTS = 64  # datagrams a second to each gateway; the lines take turns beyond it


@dataclass(slots=True)
class _Written:
    """What has been said of one line."""

    epoch: int
    step_ms: int
    total: int = 0
    counts: dict[int, int] = field(default_factory=dict)  # by number of the bucket, in order
    changed: dict[int, int] = field(default_factory=dict)  # seconds it is still to be said in
    at: int = 0  # where the round goes on
    seen: bool = True


class LineWriter:
    """Call `reports` once a second."""

    def __init__(self) -> None:
        self._beat = 0
        self._turn = 0
        self._lines: dict[bytes, _Written] = {}

    def reports(self, counts: Iterable[LineCounts], room: Room) -> list[LineReport]:
        """At least one: others learn from it what room there is."""
        self._beat += 1
        rows: list[LineRow | BucketRow] = []
        for written in self._lines.values():
            written.seen = False
        for line in self._in_turn([line for line in counts if _says_something(line)]):
            rows.append(_line_row(line))
            rows += self._bucket_rows(line)
        self._lines = {event: written for event, written in self._lines.items() if written.seen}
        found = [self._report(page, room) for page in islice(pages(rows), MAX_REPORTS)]
        return found or [self._report((), room)]

    def _in_turn(self, lines: list[LineCounts]) -> list[LineCounts]:
        """Another line first each second, so that none is cut off for ever."""
        self._turn = (self._turn + 1) % max(1, len(lines))
        return lines[self._turn :] + lines[: self._turn]

    def _bucket_rows(self, line: LineCounts) -> Iterator[BucketRow]:
        written = self._compare(line)
        numbers = list(written.counts)
        going_round = (numbers[written.at :] + numbers[: written.at])[:ROUND]
        written.at = (written.at + ROUND) % max(1, len(numbers))
        said = sorted({*written.changed, *going_round})
        written.changed = {number: left - 1 for number, left in written.changed.items() if left > 1}
        yield from bucket_rows(
            line.event, line.epoch, written.step_ms, ((number, written.counts[number]) for number in said)
        )

    def _compare(self, line: LineCounts) -> _Written:
        arrivals = line.arrivals
        written = self._lines.get(line.event)
        if written is None or (written.epoch, written.step_ms) != (line.epoch, arrivals.step_ms):
            written = self._lines[line.event] = _Written(line.epoch, arrivals.step_ms)
        written.seen = True
        if written.total != arrivals.total:
            written.total = arrivals.total
            counts = {start // arrivals.step_ms: count for start, count in arrivals.counts()}
            for number, count in counts.items():
                if written.counts.get(number) != count:
                    written.changed[number] = SAID
            written.counts = counts
            written.changed = {number: left for number, left in written.changed.items() if number in counts}
        return written

    def _report(self, page: Iterable[LineRow | BucketRow], room: Room) -> LineReport:
        rows = tuple(page)
        return LineReport(
            beat=self._beat,
            free=max(0, room.free),
            offered=max(0, room.offered),
            credit_rate=max(0.0, room.credit_rate),
            lines=tuple(row for row in rows if isinstance(row, LineRow)),
            buckets=tuple(row for row in rows if isinstance(row, BucketRow)),
        )


def _says_something(line: LineCounts) -> bool:
    """A line in which nobody ever waited has nothing to tell."""
    return line.arrivals.total > 0 or line.present > 0 or line.number > 0 or line.serving != NOBODY


def _line_row(line: LineCounts) -> LineRow:
    return LineRow(
        event=line.event,
        epoch=line.epoch,
        share=line.serving.share,
        arrival_ms=line.serving.arrival_ms,
        number=line.number,
        present=line.present,
        total=line.arrivals.total,
        step_ms=line.arrivals.step_ms,
        shown=tuple(sorted(line.shown)[-MAX_SHOWN:]),
    )

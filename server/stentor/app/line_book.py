"""What every gateway has said of the lines, put together again: for whoever leads, now or next."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace

from stentor.core.admission.arrivals import Arrivals
from stentor.core.admission.laws import Laws
from stentor.core.admission.line import Serving
from stentor.core.mesh.line_messages import BucketRow, LineReport, LineRow
from stentor.gateway.line_notes import LineCounts, Room

CAPACITY = 4096  # lines of gateways; the one heard of longest ago makes room
NODES = 256  # gateways, of those heard last; also those that are gone, whose tickets are still about
ROOM_FOR = 4  # times the buckets that a line may have: what came so long ago has been called


@dataclass(slots=True)
class _Entry:
    """One line at one gateway."""

    row: LineRow
    counts: dict[int, int] = field(default_factory=dict)  # by number of the bucket, never falling
    whole: Arrivals | None = None  # as it was when nothing was missing
    whole_total: int = -1
    heard_at: float = 0.0

    @property
    def is_whole(self) -> bool:
        return sum(self.counts.values()) >= self.row.total


@dataclass(slots=True)
class _Node:
    beat: int
    room: Room
    heard_at: float


class LineBook:
    """By node and event. `now` is monotonic seconds."""

    def __init__(self, laws: Laws) -> None:
        """`laws` bound how many buckets a line has."""
        self._laws = laws
        self._most = ROOM_FOR * laws.line_buckets
        self._entries: OrderedDict[tuple[bytes, bytes], _Entry] = OrderedDict()
        self._nodes: OrderedDict[bytes, _Node] = OrderedDict()

    def take(self, node: bytes, report: LineReport, *, now: float) -> list[LineCounts]:
        """Take over a report; what is known now of the lines it speaks of. One of an earlier second: none."""
        known = self._nodes.get(node)
        if known is not None and report.beat < known.beat:
            return []
        room = Room(report.free, report.offered, report.credit_rate)
        self._nodes[node] = _Node(report.beat, room, now)
        self._nodes.move_to_end(node)
        while len(self._nodes) > NODES:
            self._nodes.popitem(last=False)
        for line in report.lines:
            self._take_line(node, line, now)
        for buckets in report.buckets:
            self._take_buckets(node, buckets)
        touched = {row.event for row in report.lines} | {row.event for row in report.buckets}
        return [self._counts(entry) for event in touched if (entry := self._entries.get((node, event)))]

    def rooms(self) -> list[tuple[bytes, Room, float]]:
        """(node, what it is offered, when it said so)."""
        return [(name, node.room, node.heard_at) for name, node in self._nodes.items()]

    def everything(self) -> list[tuple[bytes, LineCounts, float]]:
        """(node, what it counted, when it said so), each as if it had seen the highest that anybody has.

        So a new leader begins where the line is, whichever of them it hears first.
        """
        heads: dict[bytes, tuple[int, Serving, int]] = {}
        for (_, event), entry in self._entries.items():
            row = entry.row
            epoch, serving, number = heads.get(event, (0, Serving(), 0))
            if row.epoch > epoch:
                epoch, serving, number = row.epoch, Serving(), 0
            if row.epoch == epoch:
                serving = serving.risen(Serving(row.share, row.arrival_ms))
                number = max(number, row.number)
            heads[event] = (epoch, serving, number)
        found = []
        for (node, event), entry in self._entries.items():
            epoch, serving, number = heads[event]
            if entry.row.epoch == epoch:
                counts = replace(self._counts(entry), serving=serving, number=number)
                found.append((node, counts, entry.heard_at))
        return found

    def knows(self, node: bytes, *, since: float) -> bool:
        """Whether this gateway has reported since then, and nothing of its lines is missing."""
        known = self._nodes.get(node)
        if known is None or known.heard_at < since:
            return False
        return all(
            entry.is_whole for (name, _), entry in self._entries.items() if name == node and entry.row.total
        )

    # -- inside -------------------------------------------------------------------------------------------

    def _take_line(self, node: bytes, row: LineRow, now: float) -> None:
        key = (node, row.event)
        entry = self._entries.get(key)
        if entry is None or row.epoch > entry.row.epoch:
            entry = self._entries[key] = _Entry(row)
            while len(self._entries) > CAPACITY:
                self._entries.popitem(last=False)
        elif row.epoch < entry.row.epoch:
            return
        else:
            self._widen(entry, row.step_ms)
        entry.row, entry.heard_at = row, now
        self._entries.move_to_end(key)

    def _take_buckets(self, node: bytes, row: BucketRow) -> None:
        entry = self._entries.get((node, row.event))
        if entry is None or (row.epoch, row.step_ms) != (entry.row.epoch, entry.row.step_ms):
            return
        for number, count in row.buckets():
            entry.counts[number] = max(count, entry.counts.get(number, 0))
        while len(entry.counts) > self._most:
            del entry.counts[min(entry.counts)]

    @staticmethod
    def _widen(entry: _Entry, step_ms: int) -> None:
        """The sender counts in wider buckets now; in narrower ones only after it began anew."""
        if step_ms == entry.row.step_ms:
            return
        times, rest = divmod(step_ms, entry.row.step_ms)
        finer, entry.counts = entry.counts, {}
        if times and not rest:
            for number, count in finer.items():
                entry.counts[number // times] = entry.counts.get(number // times, 0) + count

    def _counts(self, entry: _Entry) -> LineCounts:
        row = entry.row
        if entry.is_whole and (entry.whole is None or entry.whole_total != row.total):
            step = row.step_ms
            pairs = ((number * step, count) for number, count in sorted(entry.counts.items()))
            entry.whole, entry.whole_total = Arrivals(self._laws, counts=pairs, step_ms=step), row.total
        return LineCounts(
            event=row.event,
            epoch=row.epoch,
            serving=Serving(row.share, row.arrival_ms),
            number=row.number,
            arrivals=entry.whole or Arrivals(self._laws, step_ms=row.step_ms),
            present=row.present,
            shown=row.shown,
        )

"""What gateways and the admission leader say to each other of the line, once a second.

Counts are totals, never differences: a datagram that is lost, repeated or overtaken costs nothing. What does
not fit one datagram is cut into rows, and rows are packed into as few datagrams as they need.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Annotated, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from stentor.core.mesh.envelope import MAX_BODY
from stentor.core.mesh.fields import U32, U63, Count, EventKey, Real

MAX_ROWS = 64  # of a kind in one datagram; the smallest has 20 bytes
MAX_SHOWN = 64  # releases of one a second: twice the age up to which the release law looks at them
MAX_RELEASES = 3  # the last ones: two notices may be lost
MAX_CURVE = 64  # points: what the status body shows
MAX_PAIRS = 500  # numbers of a bucket row: as many as fit when each takes two bytes
SPACE = MAX_BODY - 48  # bytes for the rows of a datagram: the fields before them take up to 46
ROW_SPACE = SPACE - 64  # bytes of a bucket row's pairs: what stands before them takes up to 40
FAR = 1_000_000  # buckets: a gap as wide begins a new row
LATEST_MS = 2**53  # times beyond it are none, and not exact in a page either
MOST = 10_000_000  # people, as `fields.Count`

Share: TypeAlias = Annotated[int, Meta(ge=0, le=2**32)]
Step: TypeAlias = Annotated[int, Meta(ge=1, le=2**42)]
Pairs: TypeAlias = Annotated[tuple[U63, ...], Meta(max_length=2 * MAX_PAIRS)]

_Row = TypeVar("_Row", bound=msgspec.Struct)
_ENCODER = msgspec.msgpack.Encoder()


class LineRow(msgspec.Struct, frozen=True, array_like=True):
    """What one gateway has counted of one line, but for the arrivals, see `BucketRow`."""

    event: EventKey
    epoch: U32
    """Of the line."""
    share: Share
    """The highest thresholds seen there: the lottery's share, and ..."""
    arrival_ms: U63
    """... the arrival time."""
    number: U32
    """The highest release seen there."""
    present: Count
    total: Count
    """Of all its buckets: who knows fewer has missed some."""
    step_ms: Step
    """Width of its buckets."""
    shown: Annotated[tuple[tuple[U32, Count], ...], Meta(max_length=MAX_SHOWN)] = ()


class BucketRow(msgspec.Struct, frozen=True, array_like=True):
    """Some buckets of one gateway's arrivals in one line."""

    event: EventKey
    epoch: U32
    step_ms: Step
    first: U63
    """Number of the first bucket: its start divided by the step."""
    pairs: Pairs
    """For each bucket its distance from the one before (0 for the first), and how many came in it."""

    def __post_init__(self) -> None:
        _check_pairs(self.first, self.pairs, self.step_ms)

    def buckets(self) -> Iterator[tuple[int, int]]:
        """(number, how many)."""
        return _totals(self.first, self.pairs)


class LineReport(msgspec.Struct, frozen=True, array_like=True):
    """Gateway to all gateways: whichever leads next knows what the leader knows."""

    beat: U63
    """Counts the sender's seconds: what an earlier one says is out of date."""
    free: Count
    """Seats: what the relays offer the sender, see `line_notes.Room`."""
    offered: Count
    credit_rate: Real
    lines: Annotated[tuple[LineRow, ...], Meta(max_length=MAX_ROWS)] = ()
    buckets: Annotated[tuple[BucketRow, ...], Meta(max_length=MAX_ROWS)] = ()


class ReleaseRow(msgspec.Struct, frozen=True, array_like=True):
    """One step of the thresholds."""

    number: U32
    people: Count
    share: Share
    arrival_ms: U63


class ServingRow(msgspec.Struct, frozen=True, array_like=True):
    """How far one line has moved."""

    event: EventKey
    epoch: U32
    """Of the line."""
    share: Share
    arrival_ms: U63
    waiting: Count
    present: Count
    releases: Annotated[tuple[ReleaseRow, ...], Meta(max_length=MAX_RELEASES)] = ()
    """The last ones, oldest first."""
    curve_from: U63 = 0
    """Time of the curve's first point, ms."""
    curve: Annotated[tuple[U63, ...], Meta(max_length=2 * MAX_CURVE)] = ()
    """For each point the ms since the one before (0 for the first), and how many came in that time."""

    def __post_init__(self) -> None:
        _check_pairs(self.curve_from, self.curve, 1)

    def points(self) -> tuple[tuple[int, int], ...]:
        """(ms, how many had come by then)."""
        seen, points = 0, []
        for at, more in _totals(self.curve_from, self.curve):
            seen += more
            points.append((at, seen))
        return tuple(points)


class LineNotice(msgspec.Struct, frozen=True, array_like=True):
    """Leader to all gateways, also when there is no line: so they know that somebody leads."""

    leader_epoch: Annotated[int, Meta(ge=1, lt=2**32)]
    wall_ms: U63
    """The time that tickets are dated in, when this was sent."""
    lines: Annotated[tuple[ServingRow, ...], Meta(max_length=MAX_ROWS)] = ()


def bucket_rows(
    event: bytes, epoch: int, step_ms: int, buckets: Iterable[tuple[int, int]]
) -> Iterator[BucketRow]:
    """(number, how many), in order, as rows that fit a datagram each."""
    first, last, space, pairs = 0, 0, 0, list[int]()
    for number, count in buckets:
        gap = number - last if pairs else 0
        needed = _width(gap) + _width(count)
        if pairs and (gap > FAR or space + needed > ROW_SPACE or len(pairs) >= 2 * MAX_PAIRS):
            yield BucketRow(event, epoch, step_ms, first, tuple(pairs))
            pairs, space, gap = [], 0, 0
            needed = _width(gap) + _width(count)
        if not pairs:
            first = number
        pairs += (gap, count)
        space, last = space + needed, number
    if pairs:
        yield BucketRow(event, epoch, step_ms, first, tuple(pairs))


def curve_pairs(points: Sequence[tuple[int, int]]) -> tuple[int, tuple[int, ...]]:
    """`curve_from` and `curve` of (ms, how many by then), in at most MAX_CURVE points."""
    if len(points) > MAX_CURVE:
        stride = (len(points) - 1) / (MAX_CURVE - 1)
        points = [points[round(number * stride)] for number in range(MAX_CURVE)]
    if not points:
        return 0, ()
    pairs = [0, points[0][1]]
    for (earlier, before), (later, after) in pairwise(points):
        pairs += (max(0, later - earlier), max(0, after - before))
    return max(0, points[0][0]), tuple(pairs)


def pages(rows: Iterable[_Row]) -> Iterator[tuple[_Row, ...]]:
    """The rows as they fit into datagrams, in order. A row is never larger than a datagram."""
    page, used = list[_Row](), 0
    for row in rows:
        needed = len(_ENCODER.encode(row))
        if page and (used + needed > SPACE or len(page) >= MAX_ROWS):
            yield tuple(page)
            page, used = [], 0
        page.append(row)
        used += needed
    if page:
        yield tuple(page)


def _check_pairs(first: int, pairs: tuple[int, ...], step_ms: int) -> None:
    """ValueError for what bounds of single numbers cannot say."""
    if len(pairs) % 2:
        raise ValueError(f"{len(pairs)} numbers are not pairs")
    if (first + sum(pairs[::2]) + 1) * step_ms > LATEST_MS:
        raise ValueError("a time beyond all times")
    if sum(pairs[1::2]) > MOST:
        raise ValueError("more people than can be counted")


def _totals(first: int, pairs: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    at = first
    for gap, value in zip(pairs[::2], pairs[1::2], strict=True):
        at += gap
        yield at, value


def _width(number: int) -> int:
    """Bytes of an unsigned integer in msgpack."""
    return next((width for width, end in ((1, 2**7), (2, 2**8), (3, 2**16), (5, 2**32)) if number < end), 9)

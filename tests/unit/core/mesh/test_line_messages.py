"""Rows of the line: there and back, cut to fit datagrams, and their bounds."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.mesh.envelope import MAX_BODY
from stentor.core.mesh.line_messages import (
    MAX_CURVE,
    MAX_RELEASES,
    MAX_SHOWN,
    BucketRow,
    LineNotice,
    LineReport,
    LineRow,
    ReleaseRow,
    ServingRow,
    bucket_rows,
    curve_pairs,
    pages,
)
from stentor.core.mesh.messages import Kind, MessageError, decode_message, encode_message

EVENT = b"event..!"
MOST = 10_000_000
LATE = 2**52  # ms
BUCKETS = st.dictionaries(st.integers(0, 2**40), st.integers(0, 100), max_size=400)
CURVE = st.lists(st.tuples(st.integers(0, 2**40), st.integers(0, 1000)), max_size=200)


def report_of(rows: tuple[LineRow | BucketRow, ...]) -> LineReport:
    lines = tuple(row for row in rows if isinstance(row, LineRow))
    return LineReport(
        2**62, MOST, MOST, 1e12, lines, tuple(row for row in rows if isinstance(row, BucketRow))
    )


@given(BUCKETS)
@settings(max_examples=200)
def test_buckets_survive_the_way_in_datagrams_that_fit(buckets: dict[int, int]) -> None:
    found: dict[int, int] = {}
    for page in pages(bucket_rows(EVENT, 1, 250, sorted(buckets.items()))):
        kind, body = encode_message(report_of(page))
        assert len(body) <= MAX_BODY
        message = decode_message(kind, body)
        assert isinstance(message, LineReport)
        for row in message.buckets:
            found |= dict(row.buckets())
    assert found == buckets


def test_rush_of_ten_thousand_takes_one_datagram() -> None:
    rows = list(bucket_rows(EVENT, 1, 250, [(4_000_000 + number, 500) for number in range(20)]))
    assert len(list(pages(rows))) == 1 and len(encode_message(report_of(tuple(rows)))[1]) < 200


def test_line_of_fifteen_minutes_takes_ten_datagrams() -> None:
    rows = bucket_rows(EVENT, 1, 250, [(4_000_000 + number, 120) for number in range(3600)])
    assert len(list(pages(rows))) <= 10


@given(CURVE)
@settings(max_examples=200)
def test_curve_survives_the_way(steps: list[tuple[int, int]]) -> None:
    at, seen, points = 0, 0, []
    for gap, more in steps:
        at, seen = at + gap, seen + more
        points.append((at, seen))
    start, curve = curve_pairs(points)
    row = ServingRow(EVENT, 1, 0, 0, 0, 0, (), start, curve)
    _, body = encode_message(LineNotice(1, 0, (row,)))
    message = decode_message(Kind.LINE_NOTICE, body)
    assert isinstance(message, LineNotice)
    got = message.lines[0].points()
    if len(points) <= MAX_CURVE:
        assert got == tuple(points)
    else:
        assert len(got) == MAX_CURVE and (got[0], got[-1]) == (points[0], points[-1])
        assert set(got) <= set(points)


def test_largest_rows_fit_a_datagram_each() -> None:
    line = LineRow(
        EVENT, 2**32 - 1, 2**32, LATE, 2**32 - 1, MOST, MOST, 2**42, ((2**32 - 1, MOST),) * MAX_SHOWN
    )
    release = ReleaseRow(2**32 - 1, MOST, 2**32, LATE)
    curve = (0, 0) + (2**33, MOST // MAX_CURVE) * (MAX_CURVE - 1)
    serving = ServingRow(EVENT, 2**32 - 1, 2**32, LATE, MOST, MOST, (release,) * MAX_RELEASES, LATE, curve)
    (page,) = pages([line])
    assert decode_message(*encode_message(report_of(page))) == report_of(page)
    (shown,) = pages([serving])
    notice = LineNotice(2**32 - 1, LATE, shown)
    assert decode_message(*encode_message(notice)) == notice


def test_many_small_lines_share_datagrams() -> None:
    rows = [ServingRow(number.to_bytes(8, "big"), 1, 0, LATE, 5, 1) for number in range(100)]
    found = list(pages(rows))
    assert [row for page in found for row in page] == rows and len(found) <= 4
    for page in found:
        assert len(encode_message(LineNotice(1, LATE, page))[1]) <= MAX_BODY


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Kind.LINE_REPORT, [1, 0, 0, 0.0, [], [[EVENT, 1, 250, 7, [0]]]]),  # half a pair
        (Kind.LINE_REPORT, [1, 0, 0, 0.0, [], [[EVENT, 1, 250, 2**53, [0, 1]]]]),  # no such time
        (Kind.LINE_REPORT, [1, 0, 0, 0.0, [], [[EVENT, 1, 250, 7, [0, MOST, 1, 1]]]]),
        (Kind.LINE_REPORT, [1, 0, 0, 0.0, [], [[EVENT, 1, 0, 7, [0, 1]]]]),  # no width
        (Kind.LINE_REPORT, [1, -1, 0, 0.0]),
        (Kind.LINE_REPORT, [1, 0, 0, float("nan")]),
        (Kind.LINE_NOTICE, [0, 0]),  # who leads has an epoch
        (Kind.LINE_NOTICE, [1, 0, [[EVENT, 1, 2**32 + 1, 0, 0, 0]]]),
        (Kind.LINE_NOTICE, [1, 0, [[EVENT, 1, 0, 0, 0, 0, [[1, 1, 0, 0]] * (MAX_RELEASES + 1)]]]),
        (Kind.LINE_NOTICE, [1, 0, [[EVENT, 1, 0, 0, 0, 0, [], 2**53, [1, 1]]]]),
    ],
)
def test_field_out_of_its_bounds_is_refused(kind: Kind, fields: list[object]) -> None:
    with pytest.raises(MessageError):
        decode_message(kind, msgspec.msgpack.encode(fields))


@given(st.sampled_from((Kind.LINE_REPORT, Kind.LINE_NOTICE)), st.binary(max_size=MAX_BODY))
@settings(max_examples=200)
def test_any_bytes_raise_nothing_but_message_errors(kind: Kind, body: bytes) -> None:
    with contextlib.suppress(MessageError):
        decode_message(kind, body)


@given(st.data())
@settings(max_examples=200)
def test_damaged_report_raises_nothing_but_message_errors(data: st.DataObject) -> None:
    buckets = BucketRow(EVENT, 1, 250, 7, (0, 300, 2, 70_000))
    _, body = encode_message(report_of((LineRow(EVENT, 1, 5, LATE, 3, 1, 70_300, 250, ((3, 1),)), buckets)))
    damaged = bytearray(body)
    damaged[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(MessageError):
        message = decode_message(Kind.LINE_REPORT, bytes(damaged))
        assert isinstance(message, LineReport)
        for row in message.buckets:
            list(row.buckets())

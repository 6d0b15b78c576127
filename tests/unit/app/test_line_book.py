"""Reports written, lost, overtaken and put together again."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.app.line_book import LineBook
from stentor.app.line_writer import SAID, LineWriter
from stentor.core.admission.arrivals import Arrivals
from stentor.core.admission.laws import Laws
from stentor.core.admission.line import Serving
from stentor.core.mesh.line_messages import LineReport
from stentor.core.mesh.messages import decode_message, encode_message
from stentor.gateway.line_notes import LineCounts, Room

EVENT, OTHER, NODE, PEER = b"event..!", b"other..!", b"node...!", b"peer...!"
START = 1_790_000_000_000  # ms
ROOM = Room(40, 100, 12.5)


def counts(arrivals: Arrivals, *, event: bytes = EVENT, epoch: int = 1, number: int = 0) -> LineCounts:
    return LineCounts(event, epoch, Serving(0, START), number, arrivals, 3, ((number, 2),))


def arrivals_of(*times: int) -> Arrivals:
    arrivals = Arrivals(Laws())
    for at in times:
        arrivals.add(START + at)
    return arrivals


def sent(reports: list[LineReport]) -> list[LineReport]:
    """As they come in at the other end."""
    found = [decode_message(*encode_message(report)) for report in reports]
    assert all(isinstance(message, LineReport) for message in found)
    return found  # type: ignore[return-value]


def last_of(book: LineBook, reports: list[LineReport], *, now: float = 0.0) -> LineCounts:
    return [line for report in sent(reports) for line in book.take(NODE, report, now=now)][-1]


def test_book_says_what_the_gateway_counted() -> None:
    line = counts(arrivals_of(0, 100, 300, 90_000), number=7)
    got = last_of(LineBook(Laws()), LineWriter().reports([line], ROOM))
    assert got.arrivals.counts() == line.arrivals.counts()
    assert (got.serving, got.number, got.present, got.shown) == (line.serving, 7, 3, ((7, 2),))


def test_room_is_told_also_without_a_line() -> None:
    book = LineBook(Laws())
    (report,) = sent(LineWriter().reports([], ROOM))
    assert report.lines == () and book.take(NODE, report, now=5.0) == []
    assert book.rooms() == [(NODE, ROOM, 5.0)]


@given(st.integers(0, 2**32))
@settings(max_examples=50, deadline=None)
def test_lost_and_late_datagrams_cost_nothing_in_the_end(seed: int) -> None:
    chance, writer, book, arrivals = Random(seed), LineWriter(), LineBook(Laws()), Arrivals(Laws())
    under_way: list[LineReport] = []
    for second in range(60):
        for _ in range(chance.randrange(40) if second < 30 else 0):
            arrivals.add(START + 1000 * second + chance.randrange(1000))
        under_way += sent(writer.reports([counts(arrivals, number=second + 1)], ROOM))
        chance.shuffle(under_way)
        while under_way and (second >= 50 or chance.random() < 0.8):
            report = under_way.pop()
            if second >= 50 or chance.random() < 0.6:
                book.take(NODE, report, now=float(second))
    ((_, got, _),) = book.everything()
    assert got.arrivals.counts() == arrivals.counts()


def test_change_is_said_three_times_and_a_quiet_line_goes_round() -> None:
    laws, writer = Laws(), LineWriter()
    arrivals = Arrivals(laws)
    for number in range(1000):
        arrivals.add(START + 250 * number)
    for _ in range(SAID):
        assert (
            sum(len(row.pairs) // 2 for r in writer.reports([counts(arrivals)], ROOM) for row in r.buckets)
            == 1000
        )
    book = LineBook(laws)  # somebody who has just started
    for second in range(4):
        got = last_of(book, writer.reports([counts(arrivals)], ROOM), now=float(second))
    assert got.arrivals.total == 1000 and book.knows(NODE, since=3.0)


def test_what_is_incomplete_is_not_counted_but_its_thresholds_are() -> None:
    writer, book = LineWriter(), LineBook(Laws())
    report = sent(writer.reports([counts(arrivals_of(0, 1000, 2000), number=4)], ROOM))[0]
    (got,) = book.take(NODE, LineReport(report.beat, 0, 0, 0.0, report.lines), now=0.0)
    assert (got.arrivals.total, got.serving, got.number) == (0, Serving(0, START), 4)
    assert not book.knows(NODE, since=0.0)
    (got,) = book.take(NODE, report, now=0.0)
    assert got.arrivals.total == 3 and book.knows(NODE, since=0.0) and not book.knows(NODE, since=1.0)


def test_wider_buckets_are_the_same_people() -> None:
    laws = Laws(line_buckets=8)
    writer, book, arrivals = LineWriter(), LineBook(laws), Arrivals(laws)
    for number in range(40):
        arrivals.add(START + 1000 * number)
        got = last_of(book, writer.reports([counts(arrivals)], ROOM))
        assert got.arrivals.counts() == arrivals.counts()
    assert arrivals.step_ms > 250


def test_report_of_an_earlier_second_is_out_of_date() -> None:
    writer, book = LineWriter(), LineBook(Laws())
    first = writer.reports([counts(arrivals_of(0))], ROOM)
    second = writer.reports([counts(arrivals_of(0, 500))], ROOM)
    assert last_of(book, second).arrivals.total == 2
    assert book.take(NODE, first[0], now=0.0) == []


def test_line_that_began_anew_does_not_count_the_old_one() -> None:
    writer, book = LineWriter(), LineBook(Laws())
    last_of(book, writer.reports([counts(arrivals_of(0, 500))], ROOM))
    got = last_of(book, writer.reports([counts(arrivals_of(9000), epoch=2)], ROOM))
    assert (got.epoch, got.arrivals.total) == (2, 1)


def test_next_leader_begins_at_the_highest_that_anybody_has_seen() -> None:
    book, low, high = LineBook(Laws()), LineWriter(), LineWriter()
    lagging = LineCounts(EVENT, 1, Serving(0, START - 5000), 3, arrivals_of(0), 0, ())
    for node, writer, line in ((NODE, low, lagging), (PEER, high, counts(arrivals_of(700), number=9))):
        for report in writer.reports([line], ROOM):
            book.take(node, report, now=1.0)
    known = book.everything()
    assert {node for node, _, _ in known} == {NODE, PEER}
    assert all((line.serving, line.number) == (Serving(0, START), 9) for _, line, _ in known)


def test_many_lines_take_turns() -> None:
    writer, said = LineWriter(), set[bytes]()
    lines = [
        LineCounts(number.to_bytes(8, "big"), 1, Serving(), 1, arrivals_of(*range(0, 90_000, 250)), 1, ())
        for number in range(60)
    ]
    for _ in range(60):
        reports = writer.reports(lines, ROOM)
        assert len(reports) <= 64
        said |= {row.event for report in reports for row in report.lines}
    assert len(said) == 60

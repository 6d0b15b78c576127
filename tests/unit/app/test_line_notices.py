"""Notices written and read; what is lost in between."""

from __future__ import annotations

from stentor.app.line_notices import MAX_NOTICES, NoticeWriter, read_notice
from stentor.core.admission.line import Release, Serving
from stentor.core.mesh.line_messages import LineNotice
from stentor.core.mesh.messages import decode_message, encode_message
from stentor.gateway.line_notes import ServingNotice

EVENT = b"event..!"
START = 1_790_000_000_000  # ms
CURVE = ((START - 1, 0), (START + 249, 40), (START + 60_000, 500))


def notice(number: int | None, *, event: bytes = EVENT) -> ServingNotice:
    serving = Serving(7, START + 1000 * (number or 0))
    release = None if number is None else Release(number, 12.5, 50, serving)
    return ServingNotice(event, 3, serving, release, waiting=450, present=6, curve=CURVE)


def said(writer: NoticeWriter, lines: list[ServingNotice]) -> list[LineNotice]:
    messages = [
        decode_message(*encode_message(message))
        for message in writer.notices(lines, leader_epoch=4, wall_ms=START)
    ]
    assert all(isinstance(message, LineNotice) for message in messages)
    return messages  # type: ignore[return-value]


def test_notice_is_read_as_the_leader_wrote_it() -> None:
    (message,) = said(NoticeWriter(), [notice(1)])
    (got,) = read_notice(message, now=99.0)
    assert (message.leader_epoch, message.wall_ms) == (4, START)
    assert (got.event, got.epoch, got.serving) == (EVENT, 3, Serving(7, START + 1000))
    assert (got.waiting, got.present, got.curve) == (450, 6, CURVE)
    assert got.release == Release(1, 99.0, 50, got.serving)


def test_release_is_heard_of_though_two_notices_were_lost() -> None:
    writer = NoticeWriter()
    for number in (1, 2, 3):
        (message,) = said(writer, [notice(number)])
    got = list(read_notice(message, now=0.0))
    assert [one.release.number for one in got if one.release] == [1, 2, 3]
    assert [one.serving.arrival_ms - START for one in got] == [1000, 2000, 3000]


def test_leader_without_a_line_says_that_it_leads() -> None:
    (message,) = said(NoticeWriter(), [])
    assert message.leader_epoch == 4 and message.lines == ()


def test_lines_that_move_are_never_left_out_and_the_others_take_turns() -> None:
    writer, heard = NoticeWriter(), set[bytes]()
    curve = tuple((START + 100_000 * number, 1000 * number) for number in range(64))
    lines = [
        ServingNotice(number.to_bytes(8, "big"), 1, Serving(0, START), waiting=9, curve=curve)
        for number in range(300)
    ]
    for _ in range(301):
        messages = writer.notices([*lines, notice(1)], leader_epoch=4, wall_ms=START)
        assert len(messages) <= MAX_NOTICES
        events = [row.event for message in messages for row in message.lines]
        assert EVENT in events
        heard.update(events)
    assert len(heard) == 301

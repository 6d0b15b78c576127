"""Who counts as coming back."""

from __future__ import annotations

import pytest

from stentor.relay import regulars
from stentor.relay.regulars import Regulars

SEAT = (b"event..!", b"ticket.!")


def test_stranger_does_not_come_back() -> None:
    assert not Regulars(600.0).is_returning(SEAT, 0.0)


def test_whoever_sits_here_or_left_lately_comes_back() -> None:
    known = Regulars(600.0)
    known.seated(SEAT)
    assert known.is_returning(SEAT, 10_000.0)
    known.left(SEAT, 10_000.0)
    assert known.is_returning(SEAT, 10_599.0)
    assert not known.is_returning(SEAT, 10_600.0)
    assert not known.is_returning((SEAT[0], b"another!"), 10_000.0)


def test_seat_is_taken_until_the_last_of_two_sessions_has_left_it() -> None:
    known = Regulars(1.0)
    known.seated(SEAT)
    known.seated(SEAT)  # the new session is there before the old one goes
    known.left(SEAT, 0.0)
    assert known.is_returning(SEAT, 100.0)
    known.left(SEAT, 100.0)
    assert not known.is_returning(SEAT, 102.0)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regulars, "CAPACITY", 3)
    known = Regulars(600.0)
    seats = [(b"event..!", bytes([number] * 8)) for number in range(5)]
    for number, seat in enumerate(seats):
        known.seated(seat)
        known.left(seat, float(number))
    assert [known.is_returning(seat, 5.0) for seat in seats] == [False, False, True, True, True]

from __future__ import annotations

from stentor.gateway.returning_first import AGAIN_WITHIN, CAPACITY, ReturningFirst


def test_nobody_is_awaited_at_first() -> None:
    assert not ReturningFirst().is_awaited(0.0)


def test_whoever_was_turned_away_is_awaited_until_they_are_seated() -> None:
    first = ReturningFirst()
    first.turned_away(b"a", 0.0)
    first.turned_away(b"b", 0.5)
    first.seated(b"a")
    assert first.is_awaited(1.0)
    first.seated(b"b")
    assert not first.is_awaited(1.0)


def test_whoever_does_not_come_again_is_awaited_no_longer() -> None:
    first = ReturningFirst()
    first.turned_away(b"a", 0.0)
    first.turned_away(b"b", 1.0)
    first.turned_away(b"a", 2.0)
    assert first.is_awaited(2.0 + AGAIN_WITHIN - 0.01)
    assert not first.is_awaited(2.0 + AGAIN_WITHIN)


def test_table_is_bounded() -> None:
    first = ReturningFirst()
    for number in range(CAPACITY + 5):
        first.turned_away(number.to_bytes(8, "big"), 0.0)
    for number in range(5, CAPACITY + 5):
        first.seated(number.to_bytes(8, "big"))
    assert not first.is_awaited(0.0)

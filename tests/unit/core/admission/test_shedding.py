"""Shedding: late, slowly, the newest first, and everybody finds out by themselves."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.admission.laws import Laws
from stentor.core.admission.shedding import MoveNotice, Shedding
from support.moves import is_asked

LAWS = Laws()
SEED = b"seed...!"


def session(number: int) -> bytes:
    return number.to_bytes(8, "big")


def house(size: int, *, per_second: int = 50) -> list[tuple[float, bytes]]:
    """Seats, the newest first."""
    return [(number / per_second, session(number)) for number in reversed(range(size))]


class Shard:
    """Shedding in virtual time, once a second."""

    def __init__(self, seats: list[tuple[float, bytes]]) -> None:
        self.now = 1000.0
        self.seats = seats
        self.shedding = Shedding(LAWS, shard=7, seed=SEED)
        self.notice: MoveNotice | None = None

    def second(self, lateness: float = 0.05, *, level: int = 120, cpu: float = 0.9) -> MoveNotice | None:
        self.now += 1.0
        self.notice = self.shedding.update(
            self.now,
            level=level,
            lateness=lateness,
            cpu=cpu,
            listeners=len(self.seats),
            newest=iter(self.seats),
        )
        return self.notice

    @property
    def asked(self) -> set[bytes]:
        return {who for at, who in self.seats if self.notice and is_asked(self.notice, who, at)}


def test_nobody_is_asked_in_the_first_three_seconds() -> None:
    shard = Shard(house(1000))
    assert [shard.second() for _ in range(3)] == [None] * 3
    notice = shard.second()
    assert notice is not None
    assert (notice.shard, notice.deadline) == (7, shard.now + LAWS.shed_time)


def test_one_per_cent_a_second_is_asked_the_newest_first() -> None:
    shard = Shard(house(1000))
    for _ in range(3):
        shard.second()
    for number in range(1, 8):
        shard.second()
        assert len(shard.asked) == 10 * number
    assert {session(number) for number in range(950, 1000)} <= shard.asked
    assert not {session(number) for number in range(900)} & shard.asked


@pytest.mark.parametrize(
    ("lateness", "level", "cpu"),
    [(0.04, 120, 0.9), (0.5, 60, 0.9), (0.5, 120, 0.1)],
    ids=["not late enough", "ladder not at its end", "not our load"],
)
def test_without_its_conditions_nobody_is_ever_asked(lateness: float, level: int, cpu: float) -> None:
    shard = Shard(house(1000))
    assert all(shard.second(lateness, level=level, cpu=cpu) is None for _ in range(60))


def test_three_seconds_begin_again_after_a_good_one() -> None:
    shard = Shard(house(1000))
    for _ in range(20):
        assert shard.second() is None
        assert shard.second() is None
        assert shard.second(0.03) is None


def test_between_the_two_limits_nobody_more_is_asked_and_nobody_less() -> None:
    shard = Shard(house(1000))
    for _ in range(6):
        shard.second()
    asked = shard.asked
    for _ in range(30):
        shard.second(0.03)
    assert shard.asked == asked


def test_notice_ends_after_three_calm_seconds() -> None:
    shard = Shard(house(1000))
    for _ in range(6):
        shard.second()
    assert [shard.second(0.01) is not None for _ in range(4)] == [True, True, True, False]
    assert shard.second() is None


def test_those_who_left_are_not_counted_as_asked() -> None:
    shard = Shard(house(1000))
    for _ in range(5):
        shard.second()
    gone = shard.asked
    shard.seats = [(at, who) for at, who in shard.seats if who not in gone]
    shard.second()
    assert len(shard.asked) == 9  # 1 % of the 980 who stayed; the rest of a person is owed


def test_few_listeners_are_asked_one_by_one() -> None:
    shard = Shard(house(20))
    for _ in range(3):
        shard.second()
    for _ in range(12):
        shard.second()
    assert len(shard.asked) == 2


def test_a_whole_house_seated_in_one_second_is_asked_by_lot() -> None:
    shard = Shard([(5.5, session(number)) for number in range(1000)])
    for _ in range(13):
        shard.second()
    assert len(shard.asked) == 100


@given(
    st.lists(
        st.tuples(st.floats(0, 60), st.binary(min_size=8, max_size=8)),
        max_size=300,
        unique_by=lambda seat: seat[1],
    ),
    st.lists(st.sampled_from([0.05, 0.03]), max_size=40),
)
@settings(max_examples=100)
def test_who_was_asked_stays_asked_and_never_more_than_one_per_cent_a_second(
    seats: list[tuple[float, bytes]], weather: list[float]
) -> None:
    shard = Shard(sorted(seats, reverse=True))
    before: set[bytes] = set()
    for second, lateness in enumerate(weather, 1):
        shard.second(lateness)
        assert before <= shard.asked
        before = shard.asked
        assert len(shard.asked) <= 0.01 * len(seats) * second + 1e-6

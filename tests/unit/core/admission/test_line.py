"""The line: thresholds that only rise, an order nobody can improve, and a draw that anyone can check."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.admission.arrivals import Arrivals
from stentor.core.admission.laws import Laws
from stentor.core.admission.line import (
    NOBODY,
    WHOLE,
    Line,
    Lottery,
    Serving,
    commitment,
    draw,
    entrants,
    is_called,
    mixed,
    release_of,
)
from stentor.core.admission.ticket import Ticket

LAWS = Laws()
T0 = 1_790_000_000_000
LOTTERY = Lottery(T0, bytes(range(32)))


def ticket(number: int, arrival_ms: int) -> Ticket:
    return Ticket(b"event..!", 1, number.to_bytes(8, "big"), arrival_ms, 0, 1)


def crowd(*moments: int) -> tuple[list[Ticket], Arrivals]:
    counted = Arrivals(LAWS)
    for moment in moments:
        counted.add(moment)
    return [ticket(number, moment) for number, moment in enumerate(moments)], counted


def called(tickets: list[Ticket], serving: Serving, lottery: Lottery | None = None) -> list[Ticket]:
    return [one for one in tickets if is_called(one, serving, lottery)]


def test_without_a_lottery_whoever_came_first_is_called_first() -> None:
    tickets, counted = crowd(*range(T0, T0 + 10_000, 10))
    line = Line()
    release = line.release(100, counted, now=1.0, now_ms=T0 + 20_000)
    assert release is not None
    assert (release.number, release.people) == (1, 100)
    assert called(tickets, line.serving) == tickets[:100]
    assert line.waiting(counted) == 900


def test_who_came_before_the_start_is_called_by_lot_and_before_those_after() -> None:
    before = [T0 - 1200_000 + number * 100 for number in range(1000)]
    tickets, counted = crowd(*before, *[T0 + number for number in range(1000)])
    line = Line()
    line.release(200, counted, now=1.0, now_ms=T0 + 5000, lottery=LOTTERY)
    chosen = called(tickets, line.serving, LOTTERY)
    assert len(chosen) == pytest.approx(200, abs=50)  # a lottery: four standard deviations
    assert all(one.arrival_ms < T0 for one in chosen)
    early = sum(one in chosen for one in tickets[:500])
    assert early == pytest.approx(len(chosen) / 2, abs=40)  # coming earlier is worth nothing
    assert line.waiting(counted, LOTTERY) == 1800


def test_one_release_may_end_the_lottery_and_begin_the_line_after_it() -> None:
    tickets, counted = crowd(*[T0 - 5000 + number for number in range(100)], *range(T0, T0 + 10_000, 100))
    line = Line()
    release = line.release(150, counted, now=1.0, now_ms=T0 + 20_000, lottery=LOTTERY)
    assert release is not None
    assert line.serving.share == WHOLE
    assert release.people == pytest.approx(150, abs=3)
    assert len(called(tickets, line.serving, LOTTERY)) == pytest.approx(150, abs=3)


def test_empty_lottery_is_no_obstacle() -> None:
    tickets, counted = crowd(*range(T0, T0 + 10_000, 100))
    line = Line()
    line.release(10, counted, now=1.0, now_ms=T0 + 20_000, lottery=LOTTERY)
    assert len(called(tickets, line.serving, LOTTERY)) == pytest.approx(10, abs=3)


def test_who_was_called_by_arrival_before_the_draw_stays_called() -> None:
    tickets, counted = crowd(*range(T0 - 10_000, T0, 10))
    line = Line()
    line.release(100, counted, now=1.0, now_ms=T0 - 1)
    first = called(tickets, line.serving)
    assert entrants(counted, LOTTERY, line.serving) == pytest.approx(900, abs=1)
    line.release(100, counted, now=2.0, now_ms=T0, lottery=LOTTERY)
    assert set(first) < set(called(tickets, line.serving, LOTTERY))


def test_nobody_is_called_who_comes_later_than_now() -> None:
    _, counted = crowd(*range(T0, T0 + 100))
    line = Line()
    line.release(10_000, counted, now=1.0, now_ms=T0 + 100)
    assert line.serving.arrival_ms == T0 + 100
    assert line.release(5, Arrivals(LAWS), now=2.0, now_ms=T0 + 5000) is None


def test_line_that_is_all_called_has_nobody_waiting() -> None:
    _, counted = crowd(*range(T0, T0 + 1000, 7))
    line = Line()
    line.release(1000, counted, now=1.0, now_ms=T0 + 5000)
    assert line.waiting(counted) == 0
    assert line.release(1, counted, now=2.0, now_ms=T0 + 6000) is None


def test_last_ones_of_a_bucket_are_called_although_half_a_person_seems_left() -> None:
    start = T0 - T0 % round(1000 * LAWS.line_grain)
    tickets, counted = crowd(
        start, start + 240, start + 249
    )  # late in a step that counts them as evenly come
    line = Line()
    for second in range(10):
        if line.waiting(counted):
            line.release(1, counted, now=float(second), now_ms=start + 10_000)
    assert called(tickets, line.serving) == tickets


def test_ticket_belongs_to_the_release_that_called_it() -> None:
    tickets, counted = crowd(*range(T0, T0 + 10_000, 10))
    line = Line()
    made = [line.release(100, counted, now=float(second), now_ms=T0 + 20_000) for second in range(3)]
    releases = [release for release in made if release is not None]
    numbers = [release_of(one, releases) for one in tickets]
    assert numbers == [1] * 100 + [2] * 100 + [3] * 100 + [None] * 700


def test_new_leader_goes_on_where_the_old_one_was() -> None:
    tickets, counted = crowd(*range(T0, T0 + 10_000, 10))
    old = Line()
    old.release(100, counted, now=1.0, now_ms=T0 + 20_000)
    new = Line(serving=old.serving, number=1)
    release = new.release(100, counted, now=1.0, now_ms=T0 + 20_000)
    assert release is not None
    assert release.number == 2
    assert called(tickets, new.serving) == tickets[:200]
    blank = Line()
    blank.learn(old.serving)
    assert blank.serving == old.serving


def test_late_report_of_a_gateway_moves_nothing_back() -> None:
    _, counted = crowd(*range(T0, T0 + 10_000, 10))
    line = Line()
    line.release(500, counted, now=1.0, now_ms=T0 + 20_000)
    before = line.serving
    counted.add(T0, 10_000)
    line.release(1, counted, now=2.0, now_ms=T0 + 20_000)
    assert line.serving.arrival_ms > before.arrival_ms
    assert line.serving.arrival_ms < before.arrival_ms + 100


SERVINGS = st.builds(Serving, st.integers(0, WHOLE), st.integers(T0 - 10_000, T0 + 10_000))


@given(SERVINGS, SERVINGS, st.integers(0, 2**64 - 1), st.integers(T0 - 10_000, T0 + 10_000))
@settings(max_examples=300)
def test_higher_of_two_thresholds_calls_everybody_that_either_calls(
    one: Serving, other: Serving, number: int, arrival_ms: int
) -> None:
    holder = ticket(number, arrival_ms)
    if is_called(holder, one, LOTTERY) or is_called(holder, other, LOTTERY):
        assert is_called(holder, one.risen(other), LOTTERY)
    assert one.risen(other) == other.risen(one)


@given(
    st.lists(st.integers(T0 - 60_000, T0 + 60_000), max_size=200),
    st.lists(st.tuples(st.integers(0, 80), st.integers(0, 5000), st.booleans()), max_size=40),
)
@settings(max_examples=200)
def test_thresholds_never_fall_and_nobody_is_called_back(
    moments: list[int], steps: list[tuple[int, int, bool]]
) -> None:
    tickets, counted = crowd(*moments)
    line, before, now_ms, drawn = Line(), NOBODY, T0 - 60_000, False
    number = 0
    for people, passed, report in steps:
        now_ms += passed
        drawn = drawn or now_ms >= T0
        lottery = LOTTERY if drawn else None
        if report:
            counted.add(min(now_ms, T0 + 60_000))
        release = line.release(people, counted, now=now_ms / 1000, now_ms=now_ms, lottery=lottery)
        assert line.serving.risen(before) == line.serving
        assert line.serving.arrival_ms <= max(now_ms, 0)
        assert not drawn or line.serving.arrival_ms < T0 or line.serving.share == WHOLE
        assert set(called(tickets, before, lottery)) <= set(called(tickets, line.serving, lottery))
        if release is not None:
            assert release.number == number + 1
            number += 1
        before = line.serving


@given(st.integers(1, 50), st.integers(1, 5000))
@settings(max_examples=50)
def test_whole_line_is_called_in_the_end(people: int, size: int) -> None:
    counted = Arrivals(LAWS)
    counted.add(T0, size)
    counted.add(T0 - 300, size)
    line = Line()
    for second in range(2 * size // people + 20):
        line.release(people, counted, now=float(second), now_ms=T0 + 10_000, lottery=LOTTERY)
    assert line.waiting(counted, LOTTERY) == 0


def test_draw_is_hmac_sha_256_that_anyone_can_recompute() -> None:
    expected = hmac.new(LOTTERY.seed, b"stentor lottery\0ticket.!", hashlib.sha256).digest()
    assert draw(LOTTERY.seed, b"ticket.!") == int.from_bytes(expected[:4], "big")


def test_draw_is_even() -> None:
    drawn = [draw(LOTTERY.seed, number.to_bytes(8, "big")) for number in range(10_000)]
    assert sum(drawn) / len(drawn) / WHOLE == pytest.approx(0.5, abs=0.012)
    assert 0 <= min(drawn) < max(drawn) < WHOLE


def test_commitment_binds_seed_and_count() -> None:
    assert commitment(LOTTERY.seed, 7) == hashlib.sha256(LOTTERY.seed + bytes(7) + b"\x07").hexdigest()
    assert len({commitment(LOTTERY.seed, count) for count in range(100)}) == 100


def test_beacon_changes_the_draw() -> None:
    assert mixed(LOTTERY.seed, b"round 1") != mixed(LOTTERY.seed, b"round 2") != LOTTERY.seed

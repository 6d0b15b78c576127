"""The histogram of arrivals: bounded, additive, and good enough to find a moment by a count."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.admission.arrivals import Arrivals, merged
from stentor.core.admission.laws import Laws

LAWS = Laws()
T0 = 1_790_000_000_000
MOMENTS = st.lists(st.integers(T0, T0 + 3_600_000), max_size=300)


def arrivals(moments: list[int], laws: Laws = LAWS) -> Arrivals:
    made = Arrivals(laws)
    for moment in moments:
        made.add(moment)
    return made


def test_counts_are_by_quarter_seconds() -> None:
    made = arrivals([T0, T0 + 249, T0 + 250, T0 + 1000])
    assert made.counts() == ((T0, 2), (T0 + 250, 1), (T0 + 1000, 1))
    assert (made.total, made.step_ms) == (4, 250)


def test_within_a_bucket_people_came_evenly() -> None:
    made = arrivals([T0] * 100)
    assert made.until(T0 - 1) == 0
    assert made.until(T0 + 124) == pytest.approx(50)
    assert made.until(T0 + 10_000) == 100
    assert made.moment(50, latest_ms=T0 + 10_000) == T0 + 124


def test_moment_is_never_in_the_future() -> None:
    made = arrivals([T0] * 100)
    assert made.moment(100, latest_ms=T0 + 3) == T0 + 3
    assert made.moment(1000, latest_ms=T0 + 9999) == T0 + 9999


def test_line_longer_than_the_histogram_is_counted_in_coarser_steps() -> None:
    laws = dataclasses.replace(LAWS, line_buckets=8)
    made = arrivals([T0 + 250 * number for number in range(100)], laws)
    assert len(made.counts()) <= 8
    assert made.total == 100
    assert made.step_ms == 250 * 16


@given(MOMENTS, st.integers(1, 20))
@settings(max_examples=200)
def test_number_of_buckets_is_bounded_and_nobody_is_lost(moments: list[int], buckets: int) -> None:
    made = arrivals(moments, dataclasses.replace(LAWS, line_buckets=buckets))
    assert len(made.counts()) <= buckets
    assert made.total == len(moments) == sum(count for _, count in made.counts())
    assert made.until(T0 + 10**9) == len(moments)


@given(MOMENTS, st.floats(0, 400))
@settings(max_examples=200)
def test_moment_and_count_are_each_others_inverse(moments: list[int], count: float) -> None:
    made = arrivals(moments)
    moment = made.moment(count, latest_ms=T0 + 10**9)
    assert made.until(moment) >= min(count, len(moments)) - 1e-6
    if count > 0 and moments and count <= len(moments):
        assert made.until(moment - 1) < count + 1e-6


@given(st.lists(MOMENTS, max_size=4))
@settings(max_examples=100)
def test_counts_of_all_gateways_add_up(parts: list[list[int]]) -> None:
    by_gateway = {bytes([number]): arrivals(part) for number, part in enumerate(parts)}
    together = merged(LAWS, by_gateway)
    assert together.counts() == arrivals([moment for part in parts for moment in part]).counts()


def test_gateway_with_coarser_steps_can_be_added() -> None:
    coarse = arrivals([T0 + 250 * number for number in range(64)], dataclasses.replace(LAWS, line_buckets=4))
    together = merged(LAWS, {b"a": coarse, b"b": arrivals([T0] * 10)})
    assert (together.step_ms, together.total) == (coarse.step_ms, 74)


@given(MOMENTS)
def test_counts_that_travelled_make_the_same_histogram(moments: list[int]) -> None:
    made = arrivals(moments)
    again = Arrivals(LAWS, counts=made.counts(), step_ms=made.step_ms)
    assert (again.counts(), again.total) == (made.counts(), made.total)


@given(MOMENTS.filter(bool), st.integers(2, 64))
@settings(max_examples=200)
def test_curve_rises_from_nobody_to_all_in_few_points(moments: list[int], points: int) -> None:
    made = arrivals(moments)
    curve = made.curve(points)
    assert 2 <= len(curve) <= points
    assert list(curve) == sorted(curve)
    assert [count for _, count in curve] == sorted(count for _, count in curve)
    assert (curve[0][1], curve[-1][1]) == (0, len(moments))
    for moment, count in curve:
        assert made.until(moment) == pytest.approx(count)


def test_curve_may_begin_where_the_line_is() -> None:
    made = arrivals([T0 + 1000 * number for number in range(100)])
    curve = made.curve(64, since_ms=T0 + 90_000)
    assert curve[0][1] == 90
    assert curve[-1][1] == 100
    assert Arrivals(LAWS).curve(64) == ()

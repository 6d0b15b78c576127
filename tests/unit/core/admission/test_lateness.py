"""The 90th percentile of a window, and whose fault it is."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.core.admission.lateness import histogram_quantile, overload_of, quantile, worst_p90


@pytest.mark.parametrize(
    ("buckets", "expected"),
    [
        ([], 0.0),
        ([(0.5, 0)], 0.0),
        ([(0.001, 90), (0.5, 10)], 0.001),
        ([(0.001, 89), (0.5, 11)], 0.5),
        ([(0.5, 11), (0.001, 89)], 0.5),
        ([(0.02, 1)], 0.02),
    ],
)
def test_quantile_of_a_histogram(buckets: list[tuple[float, int]], expected: float) -> None:
    assert quantile(buckets) == expected


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(0, 1000)), max_size=30))
def test_nine_of_ten_are_not_above_the_quantile(buckets: list[tuple[float, int]]) -> None:
    found = quantile(buckets)
    total = sum(count for _, count in buckets)
    assert sum(count for value, count in buckets if value <= found) >= 0.9 * total


def test_the_worse_of_loop_and_fanout_counts() -> None:
    assert worst_p90([0.001] * 10, 0.03) == 0.03
    assert worst_p90([0.04, 0.04], 0.03) == 0.04
    assert worst_p90([], 0.0) == 0.0


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((0, 0, 0), 0.0),
        ((100, 0, 0), 0.0018),
        ((0, 100, 0), 0.0047),
        ((0, 10, 0), 0.0047),
        ((90, 10, 0), 0.002),
        ((85, 10, 5), 0.0035),
        ((0, 0, 7), 0.005),
    ],
)
def test_quantile_within_a_bucket_is_as_if_it_were_filled_evenly(
    counts: tuple[int, int, int], expected: float
) -> None:
    buckets = list(zip((0.002, 0.005, math.inf), counts, strict=True))
    assert histogram_quantile(buckets) == pytest.approx(expected)
    assert histogram_quantile(reversed(buckets)) == pytest.approx(expected)


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=200))
def test_quantile_of_buckets_is_in_the_bucket_of_the_exact_one(values: list[float]) -> None:
    ends = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.2, 1.0]
    counts = Counter(next(end for end in ends if value <= end) for value in values)
    exact = quantile((value, 1) for value in values)
    found = histogram_quantile((end, counts[end]) for end in ends)
    end = next(end for end in ends if exact <= end)
    assert ([0.0, *ends][ends.index(end)]) <= found <= end


def test_lateness_of_an_idle_process_is_not_its_own() -> None:
    assert overload_of(0.1, cpu=0.30, idle_cpu=0.30) == 0.0
    assert overload_of(0.1, cpu=0.31, idle_cpu=0.30) == 0.1

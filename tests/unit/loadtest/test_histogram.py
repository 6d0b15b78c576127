from __future__ import annotations

import pytest

from stentor_loadtest.histogram import Histogram, percentile_of


def test_percentile_is_the_upper_end_of_its_bucket() -> None:
    histogram = Histogram()
    for milliseconds in range(100):
        histogram.add(milliseconds / 1000 + 0.0001)
    assert histogram.percentile(50) == pytest.approx(0.050)
    assert histogram.percentile(99) == pytest.approx(0.099)


def test_share_above_counts_from_the_bound_on() -> None:
    histogram = Histogram()
    for seconds in (0.001, 0.0195, 0.0205, 60.0):
        histogram.add(seconds)
    assert histogram.share_above(0.020) == 0.5


def test_early_is_not_late() -> None:
    histogram = Histogram()
    histogram.add(-1.0)
    assert histogram.counts[0] == 1


def test_empty_histogram_has_no_lateness() -> None:
    assert (Histogram().percentile(99), Histogram().share_above(0.02)) == (0.0, 0.0)


@pytest.mark.parametrize(("percent", "value"), [(50, 2.0), (95, 4.0), (1, 1.0)])
def test_percentile_of_exact_values_is_nearest_rank(percent: float, value: float) -> None:
    assert percentile_of([4.0, 1.0, 3.0, 2.0], percent) == value

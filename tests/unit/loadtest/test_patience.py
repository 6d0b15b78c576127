from __future__ import annotations

import pytest

from stentor_loadtest.swarm.patience import CAP, about, backoff, obeyed


def lowest() -> float:
    return 0.0


def highest() -> float:
    return 0.999999


def test_first_wait_is_short_and_spread_from_zero() -> None:
    assert backoff(1, lowest) == 0.0
    assert backoff(1, highest) == pytest.approx(0.3, abs=1e-3)


def test_later_waits_double_up_to_the_cap_and_lie_in_the_upper_half() -> None:
    assert [backoff(failures, lowest) for failures in (2, 3, 4, 5, 50, 5000)] == pytest.approx(
        [0.2, 0.4, 0.8, 1.25, 1.25, 1.25]
    )
    assert backoff(5000, highest) == pytest.approx(CAP, abs=1e-3)


def test_a_wait_that_was_asked_for_is_never_shortened() -> None:
    assert obeyed(10.0, lowest) == 10.0
    assert obeyed(10.0, highest) == pytest.approx(12.0, abs=1e-3)


def test_polls_are_spread_by_a_fifth_both_ways() -> None:
    assert about(10.0, lowest) == 8.0
    assert about(10.0, highest) == pytest.approx(12.0, abs=1e-3)

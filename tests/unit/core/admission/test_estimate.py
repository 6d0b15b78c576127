"""What a page tells the one who waits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.core.admission.arrivals import Arrivals
from stentor.core.admission.estimate import ahead_in_lottery, ahead_of, estimate
from stentor.core.admission.laws import Laws
from stentor.core.admission.line import WHOLE, Serving

LAWS = Laws()
T0 = 1_790_000_000_000


def test_number_ahead_is_the_piece_of_the_curve_in_between() -> None:
    counted = Arrivals(LAWS)
    for number in range(10_000):
        counted.add(T0 + number)
    curve = counted.curve(LAWS.line_curve)
    assert ahead_of(curve, Serving(0, T0 + 2000), T0 + 7000) == pytest.approx(5000, abs=20)
    assert ahead_of(curve, Serving(0, T0 + 2000), T0 + 1000) == 0
    assert ahead_of(curve, Serving(), T0 + 50_000) == 10_000
    assert ahead_of((), Serving(), T0) == 0


def test_number_ahead_in_the_lottery() -> None:
    assert ahead_in_lottery(1000, Serving(WHOLE // 4, 0), WHOLE // 2) == 250
    assert ahead_in_lottery(1000, Serving(WHOLE // 2, 0), WHOLE // 4) == 0


@pytest.mark.parametrize(
    ("ahead", "rate", "poll"), [(0, 100.0, 1.0), (10_000, 100.0, 10.0), (1_000_000, 100.0, 30.0)]
)
def test_next_poll_is_a_tenth_of_the_wait(ahead: int, rate: float, poll: float) -> None:
    assert estimate(LAWS, ahead=ahead, rate=rate, full=False, spread=0.0).poll == pytest.approx(poll)


def test_wait_is_a_range_around_what_the_rate_says() -> None:
    wait = estimate(LAWS, ahead=1000, rate=100.0, full=False, spread=0.0).wait
    assert wait is not None
    assert wait[0] < 10.0 < wait[1]


@pytest.mark.parametrize(("rate", "full"), [(100.0, True), (0.0, False)])
def test_full_house_has_no_invented_wait(rate: float, full: bool) -> None:
    said = estimate(LAWS, ahead=5, rate=rate, full=full, spread=0.0)
    assert (said.ahead, said.wait, said.poll) == (5, None, 30.0)


@pytest.mark.parametrize(
    ("ahead", "full", "poll"),
    [(10, False, 1.0), (10_000, False, 10.0), (0, True, 5.0), (4000, True, 5.0), (20_000, True, 20.0)],
)
def test_line_that_stands_still_is_looked_at_as_often_as_it_could_move(
    ahead: int, full: bool, poll: float
) -> None:
    said = estimate(LAWS, ahead=ahead, rate=0.0, full=full, spread=0.0, pace=100.0)
    assert (said.wait, said.poll) == (None, pytest.approx(poll))


@pytest.mark.parametrize(("ahead", "poll"), [(0, 1.0), (20, 2.0), (1000, 5.0), (20_000, 20.0), (10**6, 30.0)])
def test_slow_line_is_looked_at_as_if_it_might_move_at_any_moment(ahead: int, poll: float) -> None:
    said = estimate(LAWS, ahead=ahead, rate=1.0, full=False, spread=0.0, pace=100.0)
    assert said.poll == pytest.approx(poll)


@given(st.integers(0, 10**7), st.floats(0, 10**4), st.floats(0, 10**4), st.booleans(), st.floats(-1, 1))
def test_polls_are_spread_within_a_fifth_of_their_bounds(
    ahead: int, rate: float, pace: float, full: bool, spread: float
) -> None:
    looked = estimate(LAWS, ahead=ahead, rate=rate, full=full, spread=spread, pace=pace)
    assert (4.0 if full else 0.8) <= looked.poll <= 36.0

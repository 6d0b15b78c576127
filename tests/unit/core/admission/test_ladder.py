"""The ladder: up at once by prediction, down slowly, and no step that brings itself back."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.admission.costs import Costs
from stentor.core.admission.ladder import LEVELS, Ladder, LadderState
from stentor.core.admission.laws import Laws

LAWS = Laws()
COSTS = Costs(LAWS)
SEATS = 5909  # of one core


class Climb:
    """A ladder in virtual time, a step each quarter of a second."""

    def __init__(self) -> None:
        self.now = 0.0
        self.ladder = Ladder(LAWS, cores=1.0)
        self.levels = [20]

    def run(
        self, seconds: float, listeners: int, *, lateness: float = 0.001, cpu: float | None = None
    ) -> LadderState:
        for _ in range(max(1, round(seconds * 4))):
            self.now += 0.25
            used = listeners * COSTS.cost_per_listener(self.levels[-1]) if cpu is None else cpu
            state = self.ladder.update(
                self.now, listeners=listeners, costs=COSTS, lateness=lateness, cpu=min(used, 1.0)
            )
            if state.level != self.levels[-1]:
                self.levels.append(state.level)
        return state


@pytest.mark.parametrize(
    ("listeners", "level"),
    # One core, 310, 160, 110 and 60 us a second each: below a half up to 1,612, 3,124, 4,545.
    [
        (0, 20),
        (50, 20),
        (1612, 20),
        (1613, 40),
        (3124, 40),
        (3126, 60),
        (4545, 60),
        (4546, 120),
        (20_000, 120),
    ],
)
def test_level_is_the_shortest_whose_predicted_load_is_below_a_half(listeners: int, level: int) -> None:
    state = Climb().run(0.25, listeners)
    assert state.level == level
    assert state.load == pytest.approx(listeners * COSTS.cost_per_listener(level))


def test_steps_may_be_skipped_on_the_way_up() -> None:
    climb = Climb()
    climb.run(0.25, 5000)
    assert climb.levels == [20, 120]


def test_way_down_is_one_step_each_ten_seconds() -> None:
    climb = Climb()
    climb.run(1, 5000)
    climb.run(9.75, 100)
    assert climb.levels == [20, 120]
    climb.run(0.5, 100)
    assert climb.levels == [20, 120, 60]
    climb.run(10, 100)
    climb.run(10.25, 100)
    assert climb.levels == [20, 120, 60, 40, 20]


def test_step_down_waits_until_the_load_there_would_be_low() -> None:
    climb = Climb()
    climb.run(1, 1700)
    climb.run(600, 1300)  # 0.403 at 20 ms
    assert climb.levels == [20, 40]
    climb.run(11, 1280)  # 0.397
    assert climb.levels == [20, 40, 20]


def test_ten_seconds_begin_again_when_the_load_comes_back() -> None:
    climb = Climb()
    climb.run(1, 1700)
    climb.run(9, 1000)
    climb.run(0.25, 1500)
    climb.run(9, 1000)
    assert climb.levels == [20, 40]


def test_redundancy_ends_at_60_ms() -> None:
    assert Climb().run(1, 1000).red
    assert Climb().run(1, 2000).red
    assert not Climb().run(1, 4000).red
    assert not Climb().run(1, 5000).red


def test_lateness_that_lasts_forces_one_step_a_second() -> None:
    climb = Climb()
    climb.run(1, 1000)
    climb.run(0.5, 1000, lateness=0.03, cpu=0.7)
    assert climb.levels == [20]
    climb.run(0.25, 1000, lateness=0.03, cpu=0.7)
    assert climb.levels == [20, 40]
    climb.run(0.75, 1000, lateness=0.03, cpu=0.7)
    assert climb.levels == [20, 40]
    climb.run(0.25, 1000, lateness=0.03, cpu=0.7)
    assert climb.levels == [20, 40, 60]


def test_fifty_joins_at_once_and_a_stall_change_nothing() -> None:
    climb = Climb()
    for _ in range(60):
        climb.run(9.5, 50)
        climb.run(0.5, 50, lateness=0.1, cpu=0.7)
    assert climb.levels == [20]


def test_lateness_that_grows_from_one_window_to_the_next_forces_a_step_at_the_second() -> None:
    climb = Climb()
    climb.run(5.0, 1000)
    assert climb.run(0.25, 1000, lateness=0.100).level == 20
    assert climb.run(0.25, 1000, lateness=0.120).level == 40


def test_lateness_that_is_being_caught_up_with_forces_nothing_at_the_second_window() -> None:
    climb = Climb()
    climb.run(5.0, 1000)
    climb.run(0.25, 1000, lateness=0.300)
    assert climb.run(0.25, 1000, lateness=0.250).level == 20
    assert climb.run(1.0, 1000).level == 20


def test_lateness_of_a_process_that_does_nothing_changes_nothing() -> None:
    climb = Climb()
    for _ in range(60):
        climb.run(10, 50, lateness=0.001)
        climb.run(0.25, 50, lateness=0.1)
    assert climb.levels == [20]


def test_lateness_that_returns_after_each_step_down_is_met_ever_more_rarely() -> None:
    climb = Climb()
    for _ in range(2400):  # ten minutes in which 20 ms never works, whatever is predicted
        climb.run(0.25, 1200, lateness=0.03 if climb.levels[-1] == 20 else 0.001, cpu=0.6)
    assert 2 <= len(climb.levels) - 1 <= 7
    assert climb.now == 600.0


@pytest.mark.parametrize(
    ("listeners", "lateness", "cpu", "braking"),
    [
        (1000, 0.001, 0.95, False),
        (5000, 0.001, 0.5, False),
        (5000, 0.021, 0.5, True),
        (5000, 0.021, 0.2, True),  # others take the CPU that so many listeners need
        (1000, 0.021, 0.5, False),
    ],
)
def test_braking_at_once_only_when_late_at_the_end_of_the_ladder(
    listeners: int, lateness: float, cpu: float, braking: bool
) -> None:
    climb = Climb()
    climb.run(1, listeners, cpu=0.4)
    assert climb.run(0.25, listeners, lateness=lateness, cpu=cpu).braking is braking


def test_braking_at_a_cpu_that_stays_too_high_until_it_falls() -> None:
    climb = Climb()
    assert not climb.run(1.0, 1000, cpu=0.9).braking
    assert climb.run(0.25, 1000, cpu=0.9).braking
    assert not climb.run(0.25, 1000, cpu=0.75).braking
    assert not climb.run(1.0, 1000, cpu=0.9).braking


@pytest.mark.parametrize("share", range(10, 121, 2))
def test_ten_minutes_at_any_share_of_the_seats_mean_at_most_one_change(share: int) -> None:
    climb = Climb()
    for moment in range(2400):
        wobble = (-1, 1)[moment // 40 % 2] * SEATS // 100  # one per cent come and go
        climb.run(0.25, SEATS * share // 100 + wobble)
    assert len(climb.levels) - 1 <= 2
    assert sorted(climb.levels) == climb.levels


@given(st.lists(st.tuples(st.integers(0, 8000), st.integers(1, 120)), max_size=30))
@settings(max_examples=100)
def test_no_step_down_causes_its_own_return(plan: list[tuple[int, int]]) -> None:
    climb = Climb()
    for listeners, quarters in plan:
        before = len(climb.levels)
        climb.run(quarters / 4, listeners)
        path = climb.levels[before - 1 :]
        # While the number of listeners stands still, the level moves in one direction only.
        assert path in (sorted(path), sorted(path, reverse=True))


@given(st.integers(0, 30_000), st.integers(0, 30_000))
def test_more_listeners_never_get_shorter_packets(few: int, more: int) -> None:
    few, more = sorted((few, more))
    assert Climb().run(0.25, few).level <= Climb().run(0.25, more).level


def test_levels_grow() -> None:
    assert all(shorter < longer for shorter, longer in itertools.pairwise(LEVELS))


def test_lateness_counts_when_others_take_the_cpu_that_many_listeners_need() -> None:
    climb = Climb()
    state = climb.run(5, 1200, lateness=0.05, cpu=0.1)
    assert climb.levels == [20, 40, 60, 120]
    assert state.busy == pytest.approx(1200 * COSTS.cost_per_listener(20))


def test_hiccup_of_a_machine_with_few_listeners_is_somebody_elses() -> None:
    climb = Climb()
    for _ in range(60):
        climb.run(0.5, 50, lateness=0.4, cpu=0.1)
        climb.run(0.25, 50, lateness=0.001, cpu=0.1)
        climb.run(2.5, 50, lateness=0.021, cpu=0.1)
        climb.run(0.25, 50, lateness=0.001, cpu=0.1)
    assert climb.levels == [20]


def test_ladder_says_when_lateness_is_no_hiccup_any_more() -> None:
    climb = Climb()
    assert not climb.run(0.5, 50, lateness=0.2, cpu=0.1).lasts
    assert climb.run(0.25, 50, lateness=0.2, cpu=0.1).lasts
    assert not climb.run(0.25, 50, lateness=0.01, cpu=0.1).lasts


@pytest.mark.parametrize(("lateness", "seconds"), [(0.020001, 3.0), (0.04, 1.5), (0.08, 0.75), (0.8, 0.75)])
def test_later_means_sooner_where_others_take_the_cpu(lateness: float, seconds: float) -> None:
    climb = Climb()
    climb.run(seconds + LAWS.credit_window, 50, lateness=lateness, cpu=0.1)
    assert climb.levels == [20]
    climb.run(LAWS.credit_window, 50, lateness=lateness, cpu=0.1)
    assert climb.levels == [20, 40]


def test_lateness_that_lasts_makes_packets_longer_but_never_brakes_an_idle_machine() -> None:
    climb = Climb()
    assert not climb.run(20, 50, lateness=0.2, cpu=0.1).braking
    assert climb.levels == [20, 40, 60, 120]

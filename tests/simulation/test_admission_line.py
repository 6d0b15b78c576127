"""The figures of the line: a house fills nearly as fast as its CPU allows, and never sticks."""

from __future__ import annotations

import pytest

from simulation.kernel.bench_costs import MEASURED, Costs
from simulation.scenarios import failures, filling, great_lines, overload


@pytest.mark.parametrize("seed", [1, 2])
def test_ten_thousand_in_five_seconds_fill_a_thousand_seats(seed: int) -> None:
    assert not filling.scenario_1(Costs(), seed).missed


def test_a_house_fills_whatever_share_of_the_called_never_comes() -> None:
    assert not filling.release_law(MEASURED, 1).missed


def test_a_house_fills_although_a_whole_called_cohort_leaves() -> None:
    assert not filling.cohort_leaves(MEASURED, 1).missed


def test_ten_times_the_load_leaves_goodput_where_it_was() -> None:
    assert not overload.scenario_2(Costs(), 1, seconds=150.0).missed


def test_nobody_is_left_in_line_when_the_crowd_has_gone() -> None:
    assert not overload.tides(Costs(), 1, seconds=200.0).missed


def test_a_lottery_gives_those_who_came_early_and_late_the_same_chance() -> None:
    assert not great_lines.lottery(Costs(), 1).missed


def test_a_line_of_any_length_is_called_in_order_and_costs_the_same() -> None:
    assert not great_lines.million(Costs(), 1, people=200_000).missed


def test_a_tenth_of_the_joins_lost_costs_no_more_than_a_tenth() -> None:
    assert not failures.scenario_14(Costs(), 1).missed


def test_half_open_contacts_give_their_seats_back() -> None:
    assert not failures.scenario_15(Costs(), 1).missed


def test_listeners_of_a_dead_shard_find_the_seats_kept_for_them() -> None:
    assert not failures.scenario_8(Costs(), 1).missed


def test_returning_listeners_go_before_new_ones() -> None:
    assert not failures.scenario_9(Costs(), 1).missed

"""The short forms of the gameday scenarios and of the figures of admission. Every table is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from chaos.scenarios import (
    all_leave,
    called_1000,
    capsule_abuse,
    cpu_stolen,
    first_sound,
    ladder_real,
    lossy_joins,
    no_show,
    overload_10x,
    rush,
    small_event,
)
from chaos.scene import Outcome, Plan

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan(listeners=100, folder=tmp_path)


def play(run: Callable[[Plan], Outcome], plan: Plan) -> None:
    outcome = run(plan)
    print(outcome.write().read_text().partition("| listener |")[0])
    assert outcome.missed == []


def test_small_event_never_meets_the_line_or_the_store(plan: Plan) -> None:
    play(small_event.run, replace(plan, listeners=50))


def test_rush_fills_the_house_without_an_error_and_nobody_seated_hears_it(plan: Plan) -> None:
    play(rush.run, plan)


def test_ten_times_the_load_lets_as_many_in_as_ever(plan: Plan) -> None:
    play(overload_10x.run, plan)


def test_those_who_return_are_seated_before_anybody_new(plan: Plan) -> None:
    play(all_leave.run, plan)


def test_called_people_who_never_come_do_not_hold_up_the_others(plan: Plan) -> None:
    play(no_show.run, replace(plan, listeners=200))


def test_joins_survive_loss_and_a_strangers_client_hello(plan: Plan) -> None:
    play(lossy_joins.run, plan)


def test_seats_that_nobody_takes_come_back_and_others_join_meanwhile(plan: Plan) -> None:
    play(capsule_abuse.run, replace(plan, listeners=60))


def test_shard_whose_cpu_is_stolen_takes_fewer_and_its_neighbour_more(plan: Plan) -> None:
    play(cpu_stolen.run, plan)


def test_ladder_goes_through_all_lengths_and_nobody_hears_more_than_the_length(plan: Plan) -> None:
    play(ladder_real.run, plan)


def test_called_ticket_is_worth_one_seat_on_each_of_two_shards_however_often_it_comes(plan: Plan) -> None:
    play(called_1000.run, plan)


def test_sound_follows_the_tap_at_once(plan: Plan) -> None:
    play(first_sound.run, plan)

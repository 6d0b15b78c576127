"""The short forms of what `make chaos` plays: 200 listeners, short outages. Every table is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from chaos.scenarios import (
    fencing,
    join_rush,
    lossy_trunk,
    redis_gone,
    redis_slow,
    relay_kill,
    rolling_restart,
    stage_kill,
)
from chaos.scene import Outcome, Plan


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan(listeners=200, folder=tmp_path)


def play(run: Callable[[Plan], Outcome], plan: Plan) -> None:
    outcome = run(plan)
    print(outcome.write().read_text().partition("| listener |")[0])
    assert outcome.missed == []


def test_listeners_of_a_killed_relay_come_back_and_the_others_hear_on(plan: Plan) -> None:
    play(relay_kill.run, replace(plan, page=True))


def test_stage_that_is_killed_is_replaced_and_nobody_loses_the_session(plan: Plan) -> None:
    play(stage_kill.run, replace(plan, listeners=100))


def test_nobody_hears_that_redis_is_gone_or_comes_back_empty(plan: Plan) -> None:
    play(redis_gone.run, plan)


def test_slow_redis_opens_the_breaker_and_joins_do_not_notice(plan: Plan) -> None:
    play(redis_slow.run, replace(plan, listeners=100))


def test_trunk_makes_up_for_a_bad_link(plan: Plan) -> None:
    play(lossy_trunk.run, plan)


def test_nobody_hears_a_restart(plan: Plan) -> None:
    play(rolling_restart.run, replace(plan, listeners=100))


def test_joins_through_two_gateways_fill_four_shards_evenly(plan: Plan) -> None:
    play(join_rush.run, replace(plan, listeners=400))


def test_stage_that_was_stopped_has_nothing_to_say_afterwards(plan: Plan) -> None:
    play(fencing.run, replace(plan, listeners=100))

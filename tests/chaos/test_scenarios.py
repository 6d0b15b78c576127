"""Short forms of three of the scenarios that `make chaos` plays. Every table is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from chaos.scenarios import redis_gone, relay_kill, stage_kill
from chaos.scene import Outcome, Plan


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan(listeners=200, folder=tmp_path)


def play(run: Callable[[Plan], Outcome], plan: Plan) -> None:
    outcome = run(plan)
    print(outcome.write().read_text().partition("| listener |")[0])
    assert outcome.missed == []


def test_listeners_of_a_killed_relay_come_back_and_the_others_hear_on(plan: Plan) -> None:
    play(relay_kill.run, plan)


def test_stage_that_is_killed_is_replaced_and_nobody_loses_the_session(plan: Plan) -> None:
    play(stage_kill.run, replace(plan, listeners=100))


def test_nobody_hears_that_redis_is_gone_or_comes_back_empty(plan: Plan) -> None:
    play(redis_gone.run, plan)

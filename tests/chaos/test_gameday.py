"""Short forms of two of the scenarios of admission that `make chaos` plays. Every table is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from chaos.scenarios import first_sound, small_event
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


def test_sound_follows_the_tap_at_once(plan: Plan) -> None:
    play(first_sound.run, plan)

"""Chores that are done in one wake-up."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from stentor.net import clock
from stentor.net.rounds import sleep_to_round, until_round
from support.virtual_loop import VirtualLoop, run_virtually


async def chore(done: list[float], every: float, *, begins: float, takes: float = 0.0) -> None:
    await asyncio.sleep(begins)
    while True:
        await sleep_to_round(every)
        done.append(round(clock.monotonic() - 1000.0, 6))
        await asyncio.sleep(takes)


async def chores(seconds: float, *chores: asyncio._CoroutineLike[None]) -> None:
    tasks = [asyncio.ensure_future(one) for one in chores]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()


def test_chores_that_begin_at_any_time_are_done_together(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[float] = []
    begins = (0.0, 0.1, 0.37, 0.9)
    run_virtually(monkeypatch, chores(5.5, *(chore(done, 1.0, begins=at) for at in begins)))
    assert Counter(done) == {float(second): 4 for second in range(1, 6)}


def test_round_of_a_third_ends_with_every_round_of_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds: list[float] = []
    thirds: list[float] = []
    main = chores(6.5, chore(seconds, 1.0, begins=0.2), chore(thirds, 1 / 3, begins=0.0))
    run_virtually(monkeypatch, main)
    assert len(thirds) == 19
    assert set(seconds) <= {round(at, 5) for at in thirds}


def test_chore_that_takes_its_time_is_not_done_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[float] = []
    run_virtually(monkeypatch, chores(100.5, chore(done, 1.0, begins=0.0, takes=0.4)))
    assert len(done) == 100


def test_timer_that_comes_a_little_early_does_not_begin_the_round_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        assert until_round(1.0) == pytest.approx(1.0)
        loop._jumping.now += 0.999
        assert until_round(1.0) == pytest.approx(1.001)

    run_virtually(monkeypatch, main())


def test_each_loop_has_rounds_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(late: float) -> float:
        await asyncio.sleep(late)
        return until_round(1.0)

    assert [run_virtually(monkeypatch, main(late)) for late in (0.0, 0.6)] == [1.0, 1.0]

"""How often the keeper of a relay's load looks: seldom while nothing can go wrong."""

from __future__ import annotations

import asyncio

import pytest

from stentor.net import clock
from stentor.relay.load_meter import Window
from support.kept_shard import Shard, keeping, kept, sit
from support.memory_peer import MemoryPeer
from support.virtual_loop import run_virtually


def windows_of(shard: Shard) -> list[float]:
    """Fills with the length of each window from now on."""
    seconds: list[float] = []
    step = shard.keeper.step

    def counting(now: float) -> Window:
        window = step(now)
        seconds.append(window.seconds)
        return window

    shard.keeper.step = counting  # type: ignore[method-assign]
    return seconds


def test_calm_shard_looks_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(shard: Shard) -> None:
        sit(shard.relay, 100)
        await shard.run(2.0, share=0.02)
        seconds = windows_of(shard)
        await shard.run(10.0, share=0.02)
        assert seconds == pytest.approx([1.0] * 10)
        assert shard.keeper._second.seconds == 0.0  # costs are learnt from each

    kept(monkeypatch, test)


@pytest.mark.parametrize(("share", "late"), [(0.2, 0.001), (0.02, 0.01)])
def test_shard_that_is_busy_or_late_looks_four_times_a_second(
    monkeypatch: pytest.MonkeyPatch, share: float, late: float
) -> None:
    async def test(shard: Shard) -> None:
        sit(shard.relay, 100)
        await shard.run(3.0, share=0.02)
        await shard.run(1.5, share=share, late=late)  # seen by its end
        seconds = windows_of(shard)
        await shard.run(2.0, share=share, late=late)
        assert seconds == pytest.approx([0.25] * 8)

    kept(monkeypatch, test)


@pytest.mark.parametrize("phase", [0.0, 0.25, 0.5, 0.75])
def test_knock_ends_the_calm_and_the_windows_after_it_are_short(
    monkeypatch: pytest.MonkeyPatch, phase: float
) -> None:
    async def test(shard: Shard) -> None:
        await shard.run(3.0)
        await asyncio.sleep(0.01)
        await shard.run(phase)
        seconds = windows_of(shard)
        for _ in range(8):
            assert shard.keeper.has_credit(returning=False)
            await shard.run(0.25)
        assert len(seconds) >= 8
        assert max(seconds[1:]) < 0.27  # the first one is the calm before it
        await shard.run(4.0)  # nobody any more
        assert seconds[-2:] == pytest.approx([1.0, 1.0])

    kept(monkeypatch, test)


def test_shard_is_not_calm_while_somebody_is_joining(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(shard: Shard) -> None:
        await shard.run(3.0)
        table, now = shard.relay.table, clock.monotonic()
        MemoryPeer(("198.51.100.9", 4000), expires_at=now + 5.0).check(table, now=now)
        assert table.peers == 1
        seconds = windows_of(shard)
        await shard.run(2.0)
        assert max(seconds) < 0.26

    kept(monkeypatch, test)


def test_house_that_waits_for_its_host_is_not_calm(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(shard: Shard) -> None:
        sit(shard.relay, 1500)
        await shard.run(3.0)  # nobody speaks, so they cost nothing yet
        seconds = windows_of(shard)
        await shard.run(2.0)
        assert seconds == pytest.approx([0.25] * 8)

    kept(monkeypatch, test)


def test_window_that_fails_does_not_leave_a_long_one_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        with keeping() as shard:
            shard.keeper.start()
            await shard.run(4.1)
            seconds, working = windows_of(shard), shard.keeper.step

            def failing(now: float) -> Window:
                shard.keeper.step = working  # type: ignore[method-assign]
                raise RuntimeError

            shard.keeper.step = failing  # type: ignore[method-assign]
            await shard.run(1.0)
            assert len(seconds) >= 1
            shard.keeper.stop()

    run_virtually(monkeypatch, main())


def test_rate_that_was_cut_grows_again_in_a_shard_with_little_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(shard: Shard) -> None:
        sit(shard.relay, 100)
        await shard.run(3.0, share=0.02)
        await shard.run(3.0, share=0.02, late=0.1)  # somebody else's doing, but it lasts
        cut = shard.keeper.credits.rate
        whole = shard.keeper.credits._most
        assert cut < 0.5 * whole
        await shard.run(5.0, share=0.02)
        assert shard.keeper.credits.rate == shard.keeper.credits._most

    kept(monkeypatch, test)

from __future__ import annotations

import asyncio

import pytest

from stentor.gateway.audience import AudienceCache
from support.gateway_server import MemoryControl, ShiftedClock


@pytest.fixture
def control() -> MemoryControl:
    control = MemoryControl()
    control.listeners["abcd"] = 5
    control.hosts["abcd"] = "present"
    return control


async def test_shards_are_asked_once_however_many_ask(control: MemoryControl) -> None:
    cache = AudienceCache(control, ShiftedClock())
    answers = await asyncio.gather(*(cache.of("abcd") for _ in range(100)))
    assert {(answer.listeners, answer.host) for answer in answers} == {(5, "present")}
    assert control.questions == 1


async def test_shards_are_asked_again_after_a_second(control: MemoryControl) -> None:
    clock = ShiftedClock()
    cache = AudienceCache(control, clock)
    await cache.of("abcd")
    control.listeners["abcd"] = 6
    clock.shift += 1.0
    assert (await cache.of("abcd")).listeners == 6


async def test_client_that_goes_away_does_not_spoil_the_answer_of_others(control: MemoryControl) -> None:
    cache = AudienceCache(control, ShiftedClock())
    first, second = (asyncio.create_task(cache.of("abcd")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).listeners == 5


async def test_failure_is_passed_on_and_not_kept(
    control: MemoryControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = AudienceCache(control, ShiftedClock())

    async def fail(event_id: str) -> int:
        raise RuntimeError("no shard answers")

    with monkeypatch.context() as patched:
        patched.setattr(control, "listeners_of", fail)
        with pytest.raises(RuntimeError):
            await cache.of("abcd")
    assert (await cache.of("abcd")).listeners == 5

"""Scenes of stages in virtual time: relays that ask, publishers that come, stages cut off and back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from stentor.core.mesh.messages import WhoIsStage
from support.memory_cluster import EVENT, MemoryCluster, StageSeat
from support.virtual_loop import run_virtually

Scene = Callable[[MemoryCluster], Coroutine[Any, Any, None]]


def player(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What plays a scene on a cluster of `stages` and `relays`, and closes it."""

    def run(scene: Scene, *, stages: int = 2, relays: tuple[str, ...] = (), fanout: int = 64) -> None:
        async def main() -> None:
            cluster = MemoryCluster(fanout=fanout).open(stages=stages, relays=relays)
            try:
                await scene(cluster)
            finally:
                await cluster.close()

        run_virtually(monkeypatch, main())

    return run


def in_order(cluster: MemoryCluster) -> list[StageSeat]:
    """The stages, the one whose turn comes first at the head."""
    return sorted(cluster.stages, key=lambda stage: stage.views.place_of(EVENT))


async def asked(cluster: MemoryCluster, seconds: float) -> None:
    """A relay asks all stages twice a second."""
    for _ in range(round(seconds / 0.5)):
        for stage in cluster.stages:
            cluster.relays[0].mesh.tell(WhoIsStage(EVENT), stage.address)
        await asyncio.sleep(0.5)


async def lead(stage: StageSeat) -> None:
    """Have a publisher come."""
    stage.host_comes()
    await asyncio.sleep(0.1)
    assert stage.epoch


def cut_off(stage: StageSeat, cluster: MemoryCluster) -> None:
    """It reaches neither nodes nor store."""
    cluster.wire.isolated.add(stage.address)
    stage.leases.is_away = True


def heal(cluster: MemoryCluster, *, store: bool = True) -> None:
    """Everybody reaches everybody again, and the store."""
    cluster.wire.isolated.clear()
    cluster.wire.cut.clear()
    for stage in cluster.stages:
        stage.leases.is_away = not store

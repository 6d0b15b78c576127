"""A relay whose load a test makes up, and the keeper that watches it. Time is virtual."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from stentor.core.admission.laws import Laws
from stentor.net.fanout import PythonFanout
from stentor.net.media_load import MediaLoad
from stentor.relay.load_keeper import LoadKeeper
from stentor.relay.shard import RelayShard
from stentor.telemetry.metrics import Metrics
from support.shells import open_shell, record_of
from support.virtual_loop import VirtualLoop, run_virtually

LAWS = Laws()


class Nobody:
    """A trunk that is asked in vain."""

    def subscribe(self, event: bytes, *, now: float) -> None:
        """Nobody hears it."""


class Shard:
    """A relay, its keeper, and the load that a test makes up."""

    def __init__(self, relay: RelayShard, metrics: Metrics, laws: Laws) -> None:
        self.relay, self.metrics = relay, metrics
        self.media = MediaLoad(joining=0.0)
        self.process = 0.0
        self.memory: int | None = None
        self.keeper = LoadKeeper(
            relay,
            laws,
            metrics,
            cores=1.0,
            read=lambda: self.media,
            process_cpu=lambda: self.process,
            memory=lambda: self.memory,
        )

    def gauge(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"stentor_relay_{name}", labels)

    async def run(self, seconds: float, *, share: float = 0.0, late: float = 0.001, packets: int = 0) -> None:
        """Time passes with this share of the core for media and packets that late."""
        for _ in range(round(seconds / 0.25)):
            lateness = dict(self.media.lateness)
            lateness[late] = lateness.get(late, 0) + 100
            self.media = replace(
                self.media,
                cpu=self.media.cpu + 0.25 * share,
                packets=self.media.packets + packets // 4,
                lateness=lateness,
            )
            self.process += 0.25 * share
            await asyncio.sleep(0.25)


@contextlib.contextmanager
def keeping(laws: Laws = LAWS, *, shards: int = 1, max_seats: int = 100_000) -> Iterator[Shard]:
    with open_shell() as shell:
        shell.table.seats = max_seats
        metrics = Metrics(CollectorRegistry())
        fanout = PythonFanout(shell.send)
        relay = RelayShard(record_of("relay"), shell, fanout, Nobody(), metrics, shards=lambda: shards)
        yield Shard(relay, metrics, laws)


def kept(
    monkeypatch: pytest.MonkeyPatch,
    test: Callable[[Shard], Awaitable[None]],
    laws: Laws = LAWS,
    **options: int,
) -> None:
    """Run `test` with a keeper that works."""

    async def main() -> None:
        with keeping(laws, **options) as shard:
            shard.keeper.start()
            await test(shard)
            shard.keeper.stop()
            loop = asyncio.get_running_loop()
            assert isinstance(loop, VirtualLoop)
            assert loop.failures == []

    run_virtually(monkeypatch, main())


def sit(relay: RelayShard, count: int) -> None:
    """Seat listeners of the table's count; nobody sends to them."""
    relay.table.connected_count = count

"""Once a second, or sooner: heartbeats from a media port's shards, and what its core has counted."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from stentor.app.media_base import MediaBase
from stentor.core.admission.beat_pace import INTERVAL, seconds_to_next
from stentor.core.links import Heartbeat, ShardRecord
from stentor.ingest.ingest import Ingest
from stentor.net import clock
from stentor.net.rounds import sleep_to_round
from stentor.relay.shard import RelayShard
from stentor.telemetry.metrics import Metrics


class Port(Protocol):
    """A role with a heart: `RelayShard`, `Ingest`."""

    record: ShardRecord

    def heartbeat(self, *, now: float) -> Heartbeat:
        """What gateways need to know."""


class Pulse:
    """Of one media port."""

    def __init__(
        self,
        base: MediaBase,
        metrics: Metrics,
        *,
        relay: RelayShard | None,
        ingest: Ingest | None,
        deliver: Callable[[ShardRecord, Heartbeat], None],
    ) -> None:
        """`deliver(record, heartbeat)` brings a heartbeat to the gateways: by a call, or by datagrams."""
        self._base = base
        self._metrics = metrics
        self._relay = relay
        self._ports: Sequence[Port] = [port for port in (relay, ingest) if port is not None]
        self._deliver = deliver
        self._seen: Counter[tuple[int, str]] = Counter()
        self._sent: Counter[str] = Counter()
        self._lateness = [] if base.native is None else base.native.lateness_limits()
        self._listeners = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Beat once, then go on."""
        again = self._beat()
        self._task = asyncio.create_task(self._go_on(again), name="pulse")

    async def stop(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _count(self) -> None:
        """Take over what the pure core has counted since the last beat."""
        tables = [door.shell.table for door in self._base.doors.values()]
        dropped = [table.dropped for table in tables]
        dropped += [self._base.router.dropped, self._base.endpoint.dropped]
        counted = [(self._metrics.datagrams_dropped, "reason", counts) for counts in dropped]
        if self._relay is not None:
            counted.append((self._metrics.joins, "step", self._relay.table.steps))
        if self._base.native is not None:
            counted.append((self._metrics.datagrams_dropped, "reason", self._base.native.dropped))
            self._count_sent(self._base.native.counters())
        for place, (metric, label, counts) in enumerate(counted):
            for name, count in counts.items():
                if self._seen.get((place, name)) != count:  # the first time also 0: it is there to be seen
                    metric.labels(**{label: name}).inc(count - self._seen[place, name])
                    self._seen[place, name] = count

    def _count_sent(self, counters: Counter[str]) -> None:
        """What the native core has sent since the last beat; its lag is the worst packet's of the second."""
        new = counters - self._sent
        self._sent = counters
        self._metrics.rtp_packets_sent.inc(new["packets_sent"])
        self._metrics.dropped("socket", new["unsent full"] + new["unsent refused"])
        self._metrics.dropped("late", new["unsent late"])
        worst = max((limit for name, limit in self._lateness if new[name]), default=None)
        if worst is not None:
            self._metrics.fanout_lag.observe(worst)

    def _beat(self) -> float:
        """Returns the seconds to the next one."""
        now, again = clock.monotonic(), INTERVAL
        for port in self._ports:
            beat = port.heartbeat(now=now)
            self._deliver(port.record, beat)
            if port is self._relay:
                again = seconds_to_next(beat, listeners_before=self._listeners)
                self._listeners = beat.listeners
        if self._relay is not None:
            table = self._relay.table
            self._metrics.seated("webrtc", "connected", table.connected_count)
            self._metrics.seated("webrtc", "half_open", table.peers - table.connected_count)
            self._metrics.relay_capacity.set(table.seats)
            self._metrics.relay_ptime.set(self._relay.ptime)
        self._count()
        return again

    async def _go_on(self, again: float) -> None:
        while True:
            await sleep_to_round(again)
            again = self._beat()

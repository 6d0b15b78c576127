"""Once a second: heartbeats from shards to gateways, gauges, and what the directory should hold of us."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter

from stentor.app.media_plane import MediaPlane
from stentor.cluster.directory import Directory, StoreUnavailableError
from stentor.gateway.shard_table import ShardTable
from stentor.net import clock
from stentor.telemetry.metrics import Metrics

INTERVAL = 1.0  # seconds; a gateway calls a shard stale after three
PUBLISH_EVERY = 30  # beats: a store that came back empty learns of us again


class Pulse:
    """In one process the heartbeat is a call; between machines it will be a signed datagram."""

    def __init__(self, media: MediaPlane, shards: ShardTable, directory: Directory, metrics: Metrics) -> None:
        self._ports = (media.relay, media.ingest)
        self._media = media
        self._shards = shards
        self._directory = directory
        self._metrics = metrics
        self._seen: Counter[tuple[int, str]] = Counter()
        self._sent: Counter[str] = Counter()
        self._lateness = [] if media.native is None else media.native.lateness_limits()
        self._task: asyncio.Task[None] | None = None

    async def publish(self) -> None:
        """Write this process's shards into the directory."""
        for port in self._ports:
            await self._directory.put_shard(port.record)

    def start(self) -> None:
        """Make this process's shards known to its gateway, beat once, then go on."""
        for port in self._ports:
            self._shards.on_record(port.record)
        self._beat()
        self._task = asyncio.create_task(self._go_on(), name="pulse")

    async def stop(self) -> None:
        """Stop, and leave the directory."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        with contextlib.suppress(StoreUnavailableError):
            for port in self._ports:
                await self._directory.remove_shard(port.record.shard)

    def _count(self) -> None:
        """Take over what the pure core has counted since the last beat."""
        relay = self._media.relay.table
        counted = [(self._metrics.joins, "step", relay.steps)]
        dropped = (relay, self._media.ingest.shell.table, self._media.router, self._media.endpoint)
        counted += [(self._metrics.datagrams_dropped, "reason", source.dropped) for source in dropped]
        if self._media.native is not None:
            counted.append((self._metrics.datagrams_dropped, "reason", self._media.native.dropped))
            self._count_sent(self._media.native.counters())
        for place, (metric, label, counts) in enumerate(counted):
            for name, count in counts.items():
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

    def _beat(self) -> None:
        now = clock.monotonic()
        for port in self._ports:
            self._shards.on_heartbeat(port.heartbeat(now=now), now)
        table = self._media.relay.table
        self._metrics.seated("webrtc", "connected", table.connected_count)
        self._metrics.seated("webrtc", "half_open", table.peers - table.connected_count)
        self._metrics.relay_capacity.set(table.seats)
        self._metrics.relay_ptime.set(self._media.relay.ptime)
        self._count()

    async def _go_on(self) -> None:
        beats = 0
        while True:
            await asyncio.sleep(INTERVAL)
            self._beat()
            beats += 1
            if beats % PUBLISH_EVERY == 0:
                with contextlib.suppress(StoreUnavailableError):
                    await self.publish()

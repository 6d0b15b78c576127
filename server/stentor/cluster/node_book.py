"""What this process knows of the other nodes, and what they may know of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Hashable, Iterable
from typing import Generic, TypeVar

from stentor.cluster.node_directory import NodeDirectory, NodesRevision
from stentor.cluster.pause import Pause
from stentor.cluster.store import StoreUnavailableError
from stentor.core.links import GatewayRecord, ShardRecord

REFRESH_INTERVAL = 1.0  # seconds: one small read
RETRY_INTERVAL = 0.25  # seconds to the next look after one that failed: the breaker is to open within 2 s
READ_ALL_EVERY = 300.0  # seconds: also when nothing seems to be missing
PUBLISH_EVERY = 10.0  # seconds; a record stays for sixty
MISSED_FOR = 15.0  # seconds a record must be missing from a store that answers, until it is forgotten

_K = TypeVar("_K", bound=Hashable)
_R = TypeVar("_R")
_log = logging.getLogger(__name__)


class NodeBook:
    """A copy of the directory's nodes that outlives the store.

    `start` keeps it fresh until `stop`. While the store is away nothing is forgotten. A store that comes back
    empty forgets everybody at once: so a record goes only when it has been missing for MISSED_FOR, by when
    every living node has written its own again.
    """

    def __init__(
        self,
        directory: NodeDirectory,
        *,
        monotonic: Callable[[], float],
        pause: Pause = float,
        on_shard: Callable[[ShardRecord], None] = lambda _: None,
        on_shard_gone: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`pause`: between two polls.

        `on_shard` is told of each new or changed record, `on_shard_gone` of each number forgotten.
        """
        self._directory = directory
        self._monotonic = monotonic
        self._pause = pause
        self._on_shard = on_shard
        self._on_shard_gone = on_shard_gone
        self._shards: _Copy[int, ShardRecord] = _Copy()
        self._gateways: _Copy[bytes, GatewayRecord] = _Copy()
        self._own_shards: list[ShardRecord] = []
        self._own_gateway: GatewayRecord | None = None
        self._revision = NodesRevision(b"", 0)
        self._was_away = False
        self._read_all_at = 0.0
        self._publish_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self.changes = 0
        """Grows whenever the copy changes."""

    @property
    def shards(self) -> list[ShardRecord]:
        """All known shards."""
        return list(self._shards.records.values())

    @property
    def gateways(self) -> list[GatewayRecord]:
        """All known gateways."""
        return list(self._gateways.records.values())

    def shard(self, number: int) -> ShardRecord | None:
        """The shard of this number."""
        return self._shards.records.get(number)

    def adopt(self, shards: Iterable[ShardRecord], gateways: Iterable[GatewayRecord]) -> None:
        """Take over what was known in a former life. Those that died meanwhile are never heard, and go."""
        self._take_shards({record.shard: record for record in shards})
        self._take_gateways({record.node: record for record in gateways})

    async def publish(self, shards: Iterable[ShardRecord], gateway: GatewayRecord | None = None) -> bool:
        """Write what this process is, now and from now on. StoreUnavailableError.

        False when a shard's number is taken by another life: choose another number and publish again.
        """
        self._own_shards, self._own_gateway = list(shards), gateway
        return await self._publish()

    async def withdraw(self) -> None:
        """This process is stopping: leave the directory. StoreUnavailableError."""
        shards, self._own_shards = self._own_shards, []
        gateway, self._own_gateway = self._own_gateway, None
        for record in shards:
            await self._directory.remove_shard(record.shard)
        if gateway is not None:
            await self._directory.remove_gateway(gateway.node)

    async def refresh(self) -> None:
        """Publish when it is time, and read what has changed. StoreUnavailableError."""
        try:
            await self._refresh(self._monotonic())
        except StoreUnavailableError:
            self._was_away = True
            raise

    def start(self) -> None:
        """Begin to poll. Needs a running loop."""
        self._task = asyncio.get_running_loop().create_task(self._poll(), name="node book")

    async def stop(self) -> None:
        """Stop polling; the copy stays readable."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    # -- inside -------------------------------------------------------------------------------------------

    async def _poll(self) -> None:
        while True:
            interval = RETRY_INTERVAL
            with contextlib.suppress(StoreUnavailableError):
                await self.refresh()
                interval = REFRESH_INTERVAL
            await asyncio.sleep(self._pause(interval))

    async def _refresh(self, now: float) -> None:
        revision = await self._directory.nodes_revision()
        is_same_store = revision.follows(self._revision)
        if not is_same_store and self._revision.life:
            _log.warning("the store is another one, or has lost its data: writing what this process is")
        if not is_same_store or now >= self._publish_at:
            await self._publish()
            revision = await self._directory.nodes_revision()
        if not is_same_store or now >= self._read_all_at:
            await self._read_all(now)
        elif revision != self._revision:
            await self._read_changes(now)
        self._revision = revision
        if self._was_away:  # what is missing must be missing from a store that answers
            self._was_away = False
            self._shards.start_over(now)
            self._gateways.start_over(now)
        self._forget(now)

    async def _read_all(self, now: float) -> None:
        shards, gateways = await self._directory.shards(), await self._directory.gateways()
        self._take_shards({record.shard: record for record in shards})
        self._take_gateways({record.node: record for record in gateways})
        self._shards.miss_all_but({record.shard for record in shards}, now)
        self._gateways.miss_all_but({record.node for record in gateways}, now)
        self._read_all_at = now + READ_ALL_EVERY

    async def _read_changes(self, now: float) -> None:
        numbers, nodes = await self._directory.changes_of_nodes(self._revision)
        shards = {record.shard: record for record in await self._directory.shards(numbers)}
        gateways = {record.node: record for record in await self._directory.gateways(nodes)}
        self._take_shards(shards)
        self._take_gateways(gateways)
        self._shards.miss(numbers - shards.keys(), now)
        self._gateways.miss(nodes - gateways.keys(), now)

    async def _publish(self) -> bool:
        are_ours = True
        for record in self._own_shards:
            if not await self._directory.put_shard(record):
                _log.error("shard number %d is taken by another shard", record.shard)
                are_ours = False
        if self._own_gateway is not None:
            await self._directory.put_gateway(self._own_gateway)
        self._publish_at = self._monotonic() + PUBLISH_EVERY
        return are_ours

    def _take_shards(self, found: dict[int, ShardRecord]) -> None:
        changed = self._shards.take(found)
        for record in changed:
            self._on_shard(record)
        self.changes += len(changed)

    def _take_gateways(self, found: dict[bytes, GatewayRecord]) -> None:
        self.changes += len(self._gateways.take(found))

    def _forget(self, now: float) -> None:
        gone = self._shards.forget(now)
        for number in gone:
            self._on_shard_gone(number)
        self.changes += len(gone) + len(self._gateways.forget(now))


class _Copy(Generic[_K, _R]):
    """Records of one kind, and since when which of them are missing from the store."""

    def __init__(self) -> None:
        self.records: dict[_K, _R] = {}
        self.missed: dict[_K, float] = {}

    def take(self, found: dict[_K, _R]) -> list[_R]:
        """Those that are new or changed."""
        changed = [record for key, record in found.items() if self.records.get(key) != record]
        self.records |= found
        for key in found:
            self.missed.pop(key, None)
        return changed

    def miss(self, keys: Iterable[_K], now: float) -> None:
        """These are no longer in the store."""
        for key in keys:
            if key in self.records:
                self.missed.setdefault(key, now)

    def miss_all_but(self, there: Collection[_K], now: float) -> None:
        """Only these are in the store."""
        self.miss([key for key in self.records if key not in there], now)

    def start_over(self, now: float) -> None:
        """What is missing is missing from now on."""
        self.missed = dict.fromkeys(self.missed, now)

    def forget(self, now: float) -> list[_K]:
        """Those that have been missing for long enough, and are no longer known."""
        gone = [key for key, since in self.missed.items() if now - since >= MISSED_FOR]
        for key in gone:
            del self.records[key], self.missed[key]
        return gone

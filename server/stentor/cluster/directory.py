"""The directory: how the roles learn of each other and of the events. It holds no seats and no sessions."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from stentor.cluster import keys
from stentor.cluster.breaker import Breaker
from stentor.cluster.event_record import PHASE_RANK, EventRecord
from stentor.cluster.event_writes import CHANGES_KEPT, NOTE_CHANGE, PUT_RECORD
from stentor.core.errors import LocalError, StentorError
from stentor.core.links import ShardRecord

READ_TIMEOUT = 0.05  # seconds: nobody waits longer for a store that is there to help
CONNECT_TIMEOUT = 2.0  # seconds, for the first command after a start
WRITE_TIMEOUT = 1.0  # seconds: an acknowledged write has been synced to a disk, which may be slow
WATCH_RETRY = 0.5  # seconds between two attempts to subscribe again

_T = TypeVar("_T")


class StoreUnavailableError(LocalError):
    """The store did not answer in time, or is known not to. Audio and joins go on without it."""


class RecordSupersededError(StentorError):
    """The store holds a newer record (a later epoch, or a later phase): read it again."""


class Directory:
    """One small interface to Redis or Valkey. Every method may raise StoreUnavailableError."""

    def __init__(
        self, client: Redis, *, monotonic: Callable[[], float], read_timeout: float = READ_TIMEOUT
    ) -> None:
        """`client` from `client.open_client`; `monotonic` in seconds; `read_timeout` per read."""
        # redis-py types its replies as `Awaitable[X] | X` for both of its clients; here all are awaitable.
        self._client: Any = client
        self._monotonic = monotonic
        self._read_timeout = read_timeout
        self._breaker = Breaker()

    async def connect(self) -> None:
        """Make sure that the store answers. Waits up to CONNECT_TIMEOUT."""
        await self._call(self._client.ping, within=CONNECT_TIMEOUT)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    # Shards

    async def put_shard(self, record: ShardRecord) -> None:
        """Publish a shard, or replace what its former life published."""
        value = msgspec.json.encode(record)
        await self._call(
            lambda: self._client.hset(keys.SHARDS, str(record.shard), value), within=WRITE_TIMEOUT
        )
        await self.announce("shard", str(record.shard))

    async def shards(self) -> list[ShardRecord]:
        """All published shards by number, also those that are no longer alive: heartbeats tell."""
        found: dict[bytes, bytes] = await self._call(lambda: self._client.hgetall(keys.SHARDS))
        records = [msgspec.json.decode(value, type=ShardRecord) for value in found.values()]
        return sorted(records, key=lambda record: record.shard)

    async def remove_shard(self, shard: int) -> None:
        """Forget a shard that has stopped."""
        await self._call(lambda: self._client.hdel(keys.SHARDS, str(shard)), within=WRITE_TIMEOUT)
        await self.announce("shard", str(shard))

    # Events

    async def put_event(self, record: EventRecord) -> None:
        """Write an event and announce it. RecordSupersededError when the store holds a newer one."""
        arguments = (msgspec.json.encode(record), record.epoch, PHASE_RANK[record.phase])
        written = await self._call(
            lambda: self._client.eval(PUT_RECORD, 1, keys.event(record.id), *arguments), within=WRITE_TIMEOUT
        )
        if not written:
            raise RecordSupersededError(f"event {record.id}: the store holds a newer record")
        await self._call(
            lambda: self._client.eval(
                NOTE_CHANGE, 2, keys.EVENT_REVISION, keys.EVENT_CHANGES, record.id, CHANGES_KEPT
            ),
            within=WRITE_TIMEOUT,
        )
        await self.announce("event", record.id)

    async def event(self, event_id: str) -> EventRecord | None:
        """One event, or None."""
        records = await self.events([event_id])
        return records[0] if records else None

    async def events(self, event_ids: Sequence[str]) -> list[EventRecord]:
        """The events of these ids that exist, in order, in one round trip."""
        if not event_ids:
            return []

        async def read() -> list[bytes | None]:
            pipeline = self._client.pipeline(transaction=False)
            for event_id in event_ids:
                pipeline.hget(keys.event(event_id), "record")
            values: list[bytes | None] = await pipeline.execute()
            return values

        values = await self._call(read)
        return [msgspec.json.decode(value, type=EventRecord) for value in values if value is not None]

    async def revision(self) -> int:
        """How many event writes there have been. Falls only when the store has lost its data."""
        return int(await self._call(lambda: self._client.get(keys.EVENT_REVISION)) or 0)

    async def changes_since(self, revision: int, *, limit: int = 500) -> list[tuple[str, int]]:
        """(event id, revision) of events written after `revision`, oldest first, at most `limit`."""
        found: list[tuple[bytes, float]] = await self._call(
            lambda: self._client.zrangebyscore(
                keys.EVENT_CHANGES, f"({revision}", "+inf", start=0, num=limit, withscores=True
            )
        )
        return [(event_id.decode(), int(score)) for event_id, score in found]

    # Announcements

    async def announce(self, kind: str, name: str) -> None:
        """Tell everybody who watches that something of `kind` ("event", "shard") changed."""
        message = msgspec.json.encode((kind, name))
        await self._call(lambda: self._client.publish(keys.ANNOUNCEMENTS, message), within=WRITE_TIMEOUT)

    async def watch(self, callback: Callable[[str, str], None]) -> None:
        """Call back with (kind, name) for every announcement, until cancelled.

        Announcements made while the store is away are lost: they make things fast, a poll makes them sure.
        """
        while True:
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                await self._watch_once(callback)
            await asyncio.sleep(WATCH_RETRY)

    async def _watch_once(self, callback: Callable[[str, str], None]) -> None:
        async with self._client.pubsub(ignore_subscribe_messages=True) as subscription:
            await subscription.subscribe(keys.ANNOUNCEMENTS)
            while True:
                message = await subscription.get_message(timeout=1.0)
                if message is None:
                    continue
                with contextlib.suppress(msgspec.DecodeError):  # somebody else's message on our channel
                    callback(*msgspec.json.decode(message["data"], type=tuple[str, str]))

    async def _call(self, command: Callable[[], Awaitable[_T]], *, within: float | None = None) -> _T:
        if not self._breaker.allows(now=self._monotonic()):
            raise StoreUnavailableError("the store has not answered lately")
        try:
            async with asyncio.timeout(self._read_timeout if within is None else within):
                result = await command()
        except (RedisError, OSError, TimeoutError) as error:
            self._breaker.failed(now=self._monotonic())
            raise StoreUnavailableError(
                f"the store did not answer: {error or type(error).__name__}"
            ) from error
        self._breaker.succeeded()
        return result

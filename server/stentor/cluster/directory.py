"""The directory: how the roles learn of each other and of the events. It holds no seats and no sessions."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from stentor.cluster import keys
from stentor.cluster.event_record import PHASE_RANK, EventRecord
from stentor.cluster.event_writes import CHANGES_KEPT, NOTE_CHANGE, PUT_RECORD
from stentor.cluster.node_directory import NodeDirectory
from stentor.cluster.store import READ_TIMEOUT, WRITE_TIMEOUT, Store, StoreUnavailableError
from stentor.core.errors import StentorError

__all__ = ["Directory", "RecordSupersededError", "StoreUnavailableError"]

WATCH_RETRY = 0.5  # seconds between two attempts to subscribe again
WATCH_LONG = 60.0  # seconds between two wake-ups while nothing is announced


class RecordSupersededError(StentorError):
    """The store holds a newer record (a later epoch, or a later phase): read it again."""


class Directory(NodeDirectory):
    """One small interface to Redis or Valkey. Every method may raise StoreUnavailableError."""

    def __init__(
        self, client: Redis, *, monotonic: Callable[[], float], read_timeout: float = READ_TIMEOUT
    ) -> None:
        """`client` from `client.open_client`; `monotonic` in seconds; `read_timeout` per read."""
        super().__init__(Store(client, monotonic=monotonic, read_timeout=read_timeout))

    async def connect(self) -> None:
        """See `Store.connect`."""
        await self.store.connect()

    async def close(self) -> None:
        """Close all connections."""
        await self.store.close()

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
        """Tell everybody who watches that something of `kind` ("event") changed."""
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
                message = await subscription.get_message(timeout=WATCH_LONG)
                if message is None:
                    continue
                with contextlib.suppress(msgspec.DecodeError):  # somebody else's message on our channel
                    callback(*msgspec.json.decode(message["data"], type=tuple[str, str]))

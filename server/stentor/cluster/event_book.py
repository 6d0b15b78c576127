"""The events as one process knows them, so that a join asks nobody."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Iterable

from msgspec.structs import replace

from stentor.cluster.directory import Directory, RecordSupersededError, StoreUnavailableError
from stentor.cluster.event_record import EventRecord, Phase
from stentor.cluster.pause import Pause
from stentor.core.ids import event_key

__all__ = ["EventBook", "EventRecord", "Phase"]

CAPACITY = 10_000  # events: about 5 MB; older ones are looked up again when somebody asks
REFRESH_INTERVAL = 1.0  # seconds: how old a record may be when its announcement was lost
RETRY_INTERVAL = 0.25  # seconds to the next look after one that failed: the breaker is to open within 2 s
VERIFY_AFTER = 10  # refreshes: a failover that loses the last seconds of writes is over by then
PAGE = 500  # records per round trip while catching up

_log = logging.getLogger(__name__)


class EventBook:
    """A bounded cache of event records over the directory.

    `start` keeps it fresh (announcements at once, a poll every second) until `stop`. While the store is away
    the book goes on with what it has; when the store comes back empty the book writes what it holds.
    """

    def __init__(self, directory: Directory, *, capacity: int = CAPACITY, pause: Pause = float) -> None:
        """`capacity` in events; the one used longest ago makes room. `pause`: between two polls."""
        self._directory = directory
        self._capacity = capacity
        self._pause = pause
        self._records: OrderedDict[str, EventRecord] = OrderedDict()
        self._by_key: dict[bytes, str] = {}  # media ports know events by their key alone
        self._unknown: set[str] = set()  # asked for and not found since the last refresh
        self._unsaved: set[str] = set()  # moved to another phase while the store was away
        self._unverified: dict[str, int] = {}  # written by us -> refreshes until it is read back
        self._revision = 0
        self._changes = 0
        self._stirred = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def get(self, event_id: str) -> EventRecord | None:
        """The record, when this process knows it. Never waits."""
        record = self._records.get(event_id)
        if record is not None:
            self._records.move_to_end(event_id)
        return record

    @property
    def changes(self) -> int:
        """Grows whenever a record is taken over."""
        return self._changes

    def newest(self, limit: int) -> list[EventRecord]:
        """The `limit` records used last, oldest first."""
        return list(self._records.values())[-limit:]

    def adopt(self, records: Iterable[EventRecord]) -> None:
        """Take over what was known in a former life; newer records stay."""
        for record in records:
            self._keep(record)

    def id_of_key(self, key: bytes) -> str | None:
        """The id of the event with this key (`core.ids.event_key`), when this process knows it."""
        return self._by_key.get(key)

    def is_over(self, key: bytes) -> bool:
        """Whether the event with this key is known to have ended."""
        event_id = self._by_key.get(key)
        return event_id is not None and self._records[event_id].phase == "ended"

    async def find(self, event_id: str) -> EventRecord | None:
        """The record; asks the store once when this process does not know it.

        None when there is no such event. StoreUnavailableError when nobody can tell.
        """
        record = self.get(event_id)
        if record is not None or event_id in self._unknown:
            return record
        record = await self._directory.event(event_id)
        if record is None:
            if len(self._unknown) < self._capacity:
                self._unknown.add(event_id)
            return None
        self._keep(record)
        return record

    async def create(self, record: EventRecord) -> None:
        """Write a new event. StoreUnavailableError when it could not be stored."""
        await self._put(record)
        self._unknown.discard(record.id)
        self._keep(record)

    async def go_live(self, event_id: str, *, now: float) -> EventRecord | None:
        """Note that a host was heard (`now` in Unix seconds). Returns the record in force, None if unknown.

        Holds at once in this process, also while the store is away; then it is stored when the store is back.
        """
        record = await self.find(event_id)
        if record is None or record.phase != "early":
            return record
        return await self._move(replace(record, phase="live", live_since=now))

    async def end(self, event_id: str, *, now: float) -> EventRecord | None:
        """End the event for good (`now` in Unix seconds), as `go_live` does. None if unknown."""
        record = await self.find(event_id)
        if record is None or record.phase == "ended":
            return record
        return await self._move(replace(record, phase="ended", ended_at=now))

    async def refresh(self) -> None:
        """Take over what others have written since the last time. StoreUnavailableError when that failed."""
        self._unknown.clear()
        revision = await self._directory.revision()
        is_another_store = revision < self._revision
        if is_another_store:
            await self._restore()
        await self._save_moves()
        await self._verify()
        if is_another_store or revision > self._revision:
            await self._catch_up()

    async def _catch_up(self) -> None:
        while changes := await self._directory.changes_since(self._revision, limit=PAGE):
            for record in await self._directory.events([event_id for event_id, _ in changes]):
                self._keep(record)
            self._revision = changes[-1][1]

    def start(self) -> None:
        """Begin to follow announcements and to poll. Needs a running loop."""
        self._tasks = [
            asyncio.create_task(self._directory.watch(self._on_announcement), name="event book: watch"),
            asyncio.create_task(self._poll(), name="event book: poll"),
        ]

    async def stop(self) -> None:
        """Stop following; the records stay readable."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _on_announcement(self, kind: str, _name: str) -> None:
        if kind == "event":
            self._stirred.set()

    async def _poll(self) -> None:
        is_away = False
        while True:
            try:
                await self.refresh()
                is_away = False
            except StoreUnavailableError as error:
                if not is_away:
                    known = len(self._records)
                    _log.warning("the store is away, going on with %d known events: %s", known, error)
                is_away = True
            with contextlib.suppress(TimeoutError):
                interval = RETRY_INTERVAL if is_away else REFRESH_INTERVAL
                await asyncio.wait_for(self._stirred.wait(), self._pause(interval))
            self._stirred.clear()

    async def _move(self, record: EventRecord) -> EventRecord | None:
        try:
            await self._put(record)
        except RecordSupersededError:  # somebody else moved it further: theirs is in force
            self._records.pop(record.id, None)  # and `find` brings it back with its key
            return await self.find(record.id)
        except StoreUnavailableError as error:  # a host can go live and an event can end without the store
            _log.warning("event %s is %s, to be stored later: %s", record.id, record.phase, error)
            self._unsaved.add(record.id)
        self._keep(record)
        return record

    async def _save_moves(self) -> None:
        for event_id in list(self._unsaved):
            record = self._records.get(event_id)
            if record is not None:
                with contextlib.suppress(RecordSupersededError):
                    await self._put(record)
            self._unsaved.discard(event_id)

    async def _put(self, record: EventRecord) -> None:
        await self._directory.put_event(record)
        self._unverified[record.id] = VERIFY_AFTER

    async def _verify(self) -> None:
        """Read back what we wrote a while ago: a replica that took over may never have had it."""
        self._unverified = {event_id: left - 1 for event_id, left in self._unverified.items()}
        due = [event_id for event_id, left in self._unverified.items() if left <= 0]
        stored = {record.id: record for record in await self._directory.events(due[:PAGE])}
        for event_id in due[:PAGE]:
            record, there = self._records.get(event_id), stored.get(event_id)
            if record is not None and (there is None or there.is_older_than(record)):
                _log.warning("the store has lost event %s: writing it again", event_id)
                with contextlib.suppress(RecordSupersededError):
                    await self._directory.put_event(record)
            del self._unverified[event_id]

    async def _restore(self) -> None:
        _log.warning("the store has lost its data: writing back %d events", len(self._records))
        for record in list(self._records.values()):
            with contextlib.suppress(RecordSupersededError):
                await self._directory.put_event(record)
        self._revision = 0  # not before: what one failure leaves unwritten would stay so

    def _keep(self, record: EventRecord) -> None:
        held = self._records.get(record.id)
        if held is None or not record.is_older_than(held):
            self._records[record.id] = record
            self._by_key[event_key(record.id)] = record.id
            self._changes += held != record
        self._records.move_to_end(record.id)
        while len(self._records) > self._capacity:
            gone, _ = self._records.popitem(last=False)
            self._by_key.pop(event_key(gone), None)

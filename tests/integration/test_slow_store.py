"""A store that answers, but late: nobody waits for it, and nobody is told twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stentor.cluster.client import open_client
from stentor.cluster.directory import Directory
from stentor.cluster.event_book import EventBook, EventRecord
from stentor.cluster.node_book import NodeBook
from stentor.cluster.store import READ_TIMEOUT, Store, StoreUnavailableError
from stentor.core.links import ShardRecord
from stentor.net import clock
from support.ports import free_tcp_port
from support.store_process import SlowRoad, eventually, plain_store, running
from support.waiting import until

SLOW = 0.2  # seconds, of the design's scenario
SHARD = ShardRecord(7, "relay", 3, bytes(range(32)), "AB", (("192.0.2.1", 1),))
EVENT = EventRecord(id="abcd2345", title="t", starts_at=None, created_at=0.0, host_key_hash=b"h" * 32)


@pytest.fixture
async def road(tmp_path: Path) -> AsyncIterator[SlowRoad]:
    port = free_tcp_port()
    async with running(plain_store(tmp_path, port)), SlowRoad(port).open() as road:
        yield road


@pytest.fixture
async def directory(road: SlowRoad) -> AsyncIterator[Directory]:
    directory = Directory(open_client(road.url), monotonic=clock.monotonic)
    await directory.connect()
    yield directory
    await directory.close()


async def test_breaker_opens_within_two_seconds_with_no_more_than_the_polls(
    road: SlowRoad, directory: Directory
) -> None:
    events = EventBook(directory)
    await events.refresh()
    events.start()
    await asyncio.sleep(0.1)
    road.delay = SLOW
    await until(lambda: directory.store.is_away, within=2.0, what="the breaker is open")
    await events.stop()


async def test_while_it_is_slow_nobody_waits_longer_than_a_reads_limit(
    road: SlowRoad, directory: Directory
) -> None:
    road.delay = SLOW
    waits: list[float] = []
    for _ in range(300):
        began = clock.monotonic()
        with pytest.raises(StoreUnavailableError):
            await directory.event(EVENT.id)
        waits.append(clock.monotonic() - began)
        await asyncio.sleep(0.005)
    waits.sort()
    assert waits[-1] < 10 * READ_TIMEOUT, "on a busy machine a timer may be late"
    assert waits[len(waits) * 9 // 10] < 0.01, "most are told at once"


async def test_writes_that_are_slow_do_not_keep_the_breaker_closed(
    road: SlowRoad, directory: Directory
) -> None:
    road.delay = SLOW
    await directory.put_shard(SHARD)  # has a longer limit, and was done
    while not directory.store.is_away:
        with pytest.raises(StoreUnavailableError):
            await directory.event(EVENT.id)
        if not directory.store.is_away:
            assert await directory.put_shard(SHARD)


async def test_all_is_well_again_soon_after_the_store_is(road: SlowRoad, directory: Directory) -> None:
    events = EventBook(directory)
    nodes = NodeBook(directory, monotonic=clock.monotonic)
    await nodes.publish([SHARD])
    for book in (events, nodes):
        book.start()
    road.delay = SLOW
    await until(lambda: directory.store.is_away, what="the breaker is open")
    road.delay = 0.0
    await until(lambda: not directory.store.is_away, within=10.0, what="the breaker is closed")
    assert await eventually(directory.shards, bool) == [SHARD]
    for book in (events, nodes):
        await book.stop()


async def test_late_answer_is_not_taken_for_the_answer_to_a_later_question(road: SlowRoad) -> None:
    now = 0.0
    store = Store(open_client(road.url), monotonic=lambda: now)
    await store.connect()
    await store.call(lambda: store.client.mset({"a": "of a", "b": "of b"}), within=2.0)
    road.delay = SLOW
    with pytest.raises(StoreUnavailableError):
        await store.call(lambda: store.client.get("a"))
    road.delay = 0.0
    await asyncio.sleep(2 * SLOW)
    assert await store.call(lambda: store.client.get("b"), within=2.0) == b"of b"
    await store.close()

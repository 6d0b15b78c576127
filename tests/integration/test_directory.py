"""The directory and the event book, the same tests against embedded Valkey and a real redis-server."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from stentor.cluster.client import open_client
from stentor.cluster.directory import Directory, RecordSupersededError
from stentor.cluster.event_book import VERIFY_AFTER, EventBook, EventRecord
from stentor.core.links import GatewayRecord, ShardRecord
from support.stores import directory_on, embedded_store, redis_server
from support.waiting import until

RECORD = EventRecord(
    id="abcdefghjkmn",
    title="Evening talk \N{ARABIC LETTER ALEF}",
    starts_at=1_900_000_000.0,
    created_at=1_800_000_000.5,
    host_key_hash=bytes(range(32)),
)
SHARD = ShardRecord(
    shard=7,
    duty="relay",
    key_id=3,
    secret=bytes(range(32)),
    fingerprint="AB:CD",
    candidates=(("192.0.2.1", 8081), ("2001:db8::1", 8081)),
)
GATEWAY = GatewayRecord(b"gateway!", ("10.0.0.1", 8083))


@pytest.fixture(params=[embedded_store, redis_server], ids=["valkey", "redis"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    async with request.param(tmp_path) as url:
        yield url


@pytest.fixture
async def directory(url: str) -> AsyncIterator[Directory]:
    async with directory_on(url) as directory:
        yield directory


async def test_shard_is_read_back_as_it_was_published(directory: Directory) -> None:
    await directory.put_shard(SHARD)
    assert await directory.shards() == [SHARD]


async def test_number_of_a_living_shard_is_refused_to_another(directory: Directory) -> None:
    assert await directory.put_shard(SHARD)
    other = ShardRecord(7, "relay", 4, bytes(32), "EF:01", (("192.0.2.2", 8081),))
    assert not await directory.put_shard(other)
    assert await directory.shards() == [SHARD]
    await directory.remove_shard(7)
    assert await directory.put_shard(other)


async def test_shard_may_change_what_it_publishes(directory: Directory) -> None:
    await directory.put_shard(SHARD)
    moved = dataclasses.replace(SHARD, candidates=(("192.0.2.9", 1),), node=b"node...!", link=("10.0.0.1", 2))
    assert await directory.put_shard(moved)
    assert await directory.shards() == [moved]


async def test_nodes_that_stop_publishing_leave_and_free_their_number(directory: Directory) -> None:
    await directory.put_shard(SHARD, ttl=0.2)
    await directory.put_gateway(GATEWAY, ttl=0.2)
    await asyncio.sleep(0.3)
    other = dataclasses.replace(SHARD, secret=bytes(32))
    assert await directory.put_shard(other)
    assert await directory.shards() == [other]
    another = GatewayRecord(b"gateway2", ("10.0.0.2", 8083))
    await directory.put_gateway(another)
    assert await directory.gateways() == [another]


async def test_publishing_again_moves_the_deadline_on(directory: Directory) -> None:
    for _ in range(4):
        await directory.put_shard(SHARD, ttl=0.4)
        await asyncio.sleep(0.15)
    await directory.put_gateway(GATEWAY)
    await directory.put_shard(dataclasses.replace(SHARD, shard=8))
    assert [record.shard for record in await directory.shards()] == [7, 8]


async def test_gateways_are_read_back_and_removed(directory: Directory) -> None:
    await directory.put_gateway(GATEWAY)
    assert await directory.gateways() == [GATEWAY]
    await directory.remove_gateway(GATEWAY.node)
    await directory.remove_gateway(GATEWAY.node)
    assert await directory.gateways() == []


async def test_revision_of_nodes_counts_changes_and_not_signs_of_life(directory: Directory) -> None:
    before = await directory.nodes_revision()
    assert before.count == 0
    for _ in range(3):
        await directory.put_shard(SHARD)
        await directory.put_gateway(GATEWAY)
    both = await directory.nodes_revision()
    assert both.count == 2 and not both.follows(before), "an empty store has no life yet"
    await directory.remove_shard(7)
    await directory.remove_shard(7)
    after = await directory.nodes_revision()
    assert after.count == 3 and after.follows(both)


async def test_changes_of_nodes_are_those_after_a_revision(directory: Directory) -> None:
    await directory.put_shard(SHARD)
    since = await directory.nodes_revision()
    await directory.put_gateway(GATEWAY)
    await directory.put_shard(dataclasses.replace(SHARD, shard=8), ttl=0.1)
    assert await directory.changes_of_nodes(since) == ({8}, {GATEWAY.node})
    since = await directory.nodes_revision()
    await asyncio.sleep(0.2)
    await directory.put_shard(SHARD)  # whoever writes sweeps out who has lapsed
    assert await directory.changes_of_nodes(since) == ({8}, set())
    assert await directory.shards([7, 8]) == [SHARD] and await directory.shards([]) == []
    assert await directory.gateways([GATEWAY.node, b"another!"]) == [GATEWAY]


async def test_store_that_lost_its_data_leads_another_life(directory: Directory, url: str) -> None:
    await directory.put_shard(SHARD)
    before = await directory.nodes_revision()
    client = open_client(url)
    await client.flushall()
    await client.aclose()
    for number in range(5):
        await directory.put_shard(dataclasses.replace(SHARD, shard=number))
    after = await directory.nodes_revision()
    assert after.count > before.count and not after.follows(before)


async def test_removed_shard_is_gone(directory: Directory) -> None:
    await directory.put_shard(SHARD)
    await directory.remove_shard(7)
    await directory.remove_shard(7)
    assert await directory.shards() == []


async def test_event_is_read_back_as_it_was_written(directory: Directory) -> None:
    await directory.put_event(RECORD)
    assert await directory.event(RECORD.id) == RECORD


async def test_unknown_event_is_none(directory: Directory) -> None:
    assert await directory.event("zzzzzzzzzzzz") is None


async def test_events_come_in_the_order_asked_for_without_the_unknown(directory: Directory) -> None:
    other = replace(RECORD, id="other2345678")
    await directory.put_event(RECORD)
    await directory.put_event(other)
    assert await directory.events([other.id, "missing23456", RECORD.id]) == [other, RECORD]
    assert await directory.events([]) == []


async def test_phase_never_goes_back(directory: Directory) -> None:
    ended = replace(RECORD, phase="ended", ended_at=1.0)
    await directory.put_event(ended)
    with pytest.raises(RecordSupersededError):
        await directory.put_event(replace(RECORD, phase="live", live_since=1.0))
    assert await directory.event(RECORD.id) == ended


async def test_writer_with_an_older_epoch_is_refused(directory: Directory) -> None:
    await directory.put_event(replace(RECORD, epoch=5))
    with pytest.raises(RecordSupersededError):
        await directory.put_event(replace(RECORD, epoch=4, phase="ended"))
    await directory.put_event(replace(RECORD, epoch=6))


async def test_changes_are_listed_in_order_and_once_per_event(directory: Directory) -> None:
    other = replace(RECORD, id="other2345678")
    await directory.put_event(RECORD)
    await directory.put_event(other)
    await directory.put_event(replace(RECORD, phase="live"))
    assert await directory.changes_since(0) == [(other.id, 2), (RECORD.id, 3)]
    assert await directory.changes_since(0, limit=1) == [(other.id, 2)]
    assert await directory.changes_since(3) == []
    assert await directory.revision() == 3


async def test_announcement_reaches_whoever_watches(directory: Directory, url: str) -> None:
    heard: list[tuple[str, str]] = []
    async with directory_on(url) as watcher:
        task = asyncio.create_task(watcher.watch(lambda kind, name: heard.append((kind, name))))
        async with asyncio.timeout(5):
            while not heard:
                await directory.announce("test", "x")
                await asyncio.sleep(0.02)
        await directory.put_event(RECORD)
        await until(lambda: ("event", RECORD.id) in heard)
        task.cancel()


async def test_message_that_is_not_ours_does_not_stop_the_watch(directory: Directory, url: str) -> None:
    heard: list[str] = []
    client = open_client(url)
    async with directory_on(url) as watcher:
        task = asyncio.create_task(watcher.watch(lambda kind, name: heard.append(name)))
        async with asyncio.timeout(5):
            while not heard:
                for junk in (b"\xff\x00", b"[1,2]", b'["a"]', b"{}"):
                    await client.publish("stentor:announcements", junk)
                await directory.announce("test", "after the junk")
                await asyncio.sleep(0.02)
        task.cancel()
    await client.aclose()
    assert set(heard) == {"after the junk"}


async def test_book_of_one_gateway_learns_what_another_wrote(directory: Directory, url: str) -> None:
    mine = EventBook(directory)
    async with directory_on(url) as other:
        theirs = EventBook(other)
        theirs.start()
        await mine.create(RECORD)
        await until(lambda: theirs.get(RECORD.id) == RECORD)
        live = await mine.go_live(RECORD.id, now=123.0)
        await until(lambda: theirs.get(RECORD.id) == live)
        await theirs.stop()


async def test_event_goes_live_once_and_ends_once(directory: Directory) -> None:
    book = EventBook(directory)
    await book.create(RECORD)
    first = await book.go_live(RECORD.id, now=10.0)
    assert first is not None and (first.phase, first.live_since) == ("live", 10.0)
    assert await book.go_live(RECORD.id, now=20.0) == first
    ended = await book.end(RECORD.id, now=30.0)
    assert ended is not None and (ended.phase, ended.live_since, ended.ended_at) == ("ended", 10.0, 30.0)
    assert await book.end(RECORD.id, now=40.0) == ended
    assert await book.go_live(RECORD.id, now=50.0) == ended
    assert await directory.event(RECORD.id) == ended


async def test_gateway_with_an_old_record_cannot_revive_an_ended_event(
    directory: Directory, url: str
) -> None:
    book = EventBook(directory)
    await book.create(RECORD)
    async with directory_on(url) as other:
        ended = await EventBook(other).end(RECORD.id, now=5.0)
    assert book.get(RECORD.id) == RECORD  # it has not heard yet
    assert await book.go_live(RECORD.id, now=6.0) == ended


async def test_unknown_event_costs_one_question_until_the_next_refresh(
    directory: Directory, url: str
) -> None:
    book = EventBook(directory)
    assert await book.find(RECORD.id) is None
    async with directory_on(url) as other:
        await other.put_event(RECORD)
    assert await book.find(RECORD.id) is None
    await book.refresh()
    assert await book.find(RECORD.id) == RECORD


async def test_book_stays_within_its_capacity_and_still_finds_all(directory: Directory) -> None:
    book = EventBook(directory, capacity=2)
    records = [replace(RECORD, id=f"event{number}2345") for number in range(4)]
    for record in records:
        await book.create(record)
    assert [record.id for record in records if book.get(record.id)] == [records[2].id, records[3].id]
    assert await book.find(records[0].id) == records[0]


async def test_book_writes_back_what_an_emptied_store_lost(directory: Directory, url: str) -> None:
    book = EventBook(directory)
    await book.create(RECORD)
    await book.go_live(RECORD.id, now=10.0)
    await book.refresh()
    client = open_client(url)
    await client.flushall()
    await client.aclose()
    await book.refresh()
    assert await directory.event(RECORD.id) == book.get(RECORD.id)
    assert [event_id for event_id, _ in await directory.changes_since(0)] == [RECORD.id]


async def test_book_writes_again_what_a_failover_lost(directory: Directory, url: str) -> None:
    book = EventBook(directory)
    await book.create(RECORD)
    await book.create(replace(RECORD, id="other2345678"))
    await book.refresh()
    client = open_client(url)
    await client.delete(f"stentor:{{event:{RECORD.id}}}")  # the revision is as it was: others wrote meanwhile
    await client.aclose()
    for _ in range(VERIFY_AFTER):
        await book.refresh()
    assert await directory.event(RECORD.id) == RECORD


async def test_book_begins_with_what_was_known_in_a_former_life(directory: Directory) -> None:
    book = EventBook(directory)
    live = replace(RECORD, phase="live")
    book.adopt([live])
    book.adopt([RECORD])
    assert book.get(RECORD.id) == live and book.newest(5) == [live]
    assert book.changes == 1

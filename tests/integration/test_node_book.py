"""What nodes know of each other while the store lives, dies, and comes back empty."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stentor.cluster.client import open_client
from stentor.cluster.directory import Directory
from stentor.cluster.event_book import EventBook, EventRecord
from stentor.cluster.last_known import FILE_NAME, LastKnownFile
from stentor.cluster.node_book import MISSED_FOR, PUBLISH_EVERY, NodeBook
from stentor.cluster.store import StoreUnavailableError
from stentor.core.links import GatewayRecord, ShardRecord
from support.ports import free_tcp_port
from support.store_process import StoreProcess, plain_store, running
from support.stores import PATIENCE

GATEWAY = GatewayRecord(b"gateway!", ("10.0.0.1", 8083))
EVENT = EventRecord(id="abcd2345", title="t", starts_at=None, created_at=0.0, host_key_hash=b"h" * 32)


def shard(number: int) -> ShardRecord:
    secret = number.to_bytes(32, "big")
    return ShardRecord(number, "relay", 0, secret, "AB", (), b"node" + bytes(4), ("10.0.0.2", number))


class Node:
    """A process with its books and its own time."""

    def __init__(self, url: str) -> None:
        self.now = 1000.0
        self.shards: dict[int, ShardRecord] = {}
        self.directory = Directory(open_client(url), monotonic=lambda: self.now, read_timeout=PATIENCE)
        self.book = NodeBook(
            self.directory,
            monotonic=lambda: self.now,
            on_shard=lambda record: self.shards.update({record.shard: record}),
            on_shard_gone=lambda number: self.shards.pop(number),
        )
        self.events = EventBook(self.directory)

    async def later(self, seconds: float) -> None:
        """So much later, one look at the store."""
        self.now += seconds
        with contextlib.suppress(StoreUnavailableError):
            await self.book.refresh()


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[StoreProcess]:
    async with running(plain_store(tmp_path / "store", free_tcp_port())) as process:
        yield process


@pytest.fixture
async def nodes(process: StoreProcess) -> AsyncIterator[tuple[Node, Node]]:
    nodes = Node(process.url), Node(process.url)
    yield nodes
    for node in nodes:
        await node.directory.close()


async def test_node_is_known_to_the_others_at_their_next_look(nodes: tuple[Node, Node]) -> None:
    relay, gateway = nodes
    assert await relay.book.publish([shard(1)])
    assert await gateway.book.publish([], GATEWAY)
    for node in nodes:
        await node.later(1.0)
        assert node.shards == {1: shard(1)}
        assert node.book.shards == [shard(1)] and node.book.gateways == [GATEWAY]
        assert node.book.shard(1) == shard(1) and node.book.shard(2) is None


async def test_number_that_is_taken_is_said_so(nodes: tuple[Node, Node]) -> None:
    relay, other = nodes
    assert await relay.book.publish([shard(1)])
    assert not await other.book.publish([dataclasses.replace(shard(1), secret=b"another".ljust(32))])


async def test_change_is_told_and_what_stays_is_not(nodes: tuple[Node, Node]) -> None:
    relay, gateway = nodes
    await relay.book.publish([shard(1), shard(2)])
    await gateway.later(1.0)
    changes = gateway.book.changes
    await gateway.later(100.0)
    assert gateway.book.changes == changes
    moved = dataclasses.replace(shard(1), link=("10.0.0.9", 1))
    await relay.book.publish([moved, shard(2)])
    await gateway.later(1.0)
    assert gateway.shards[1] == moved and gateway.book.changes == changes + 1


async def test_node_that_left_is_forgotten_a_while_later(nodes: tuple[Node, Node]) -> None:
    relay, gateway = nodes
    await relay.book.publish([shard(1)], GATEWAY)
    await gateway.later(1.0)
    await relay.book.withdraw()
    await gateway.later(1.0)
    assert gateway.shards == {1: shard(1)}, "it may be a store that came back empty"
    await gateway.later(MISSED_FOR)
    assert gateway.shards == {} and gateway.book.shards == [] and gateway.book.gateways == []


async def test_nothing_is_forgotten_while_the_store_is_dead(
    nodes: tuple[Node, Node], process: StoreProcess
) -> None:
    relay, gateway = nodes
    await relay.book.publish([shard(1)])
    await gateway.later(1.0)
    await process.kill()
    for _ in range(20):
        await gateway.later(60.0)
    assert gateway.shards == {1: shard(1)}


async def test_store_that_comes_back_empty_is_filled_again_and_nobody_was_missed(
    nodes: tuple[Node, Node], process: StoreProcess
) -> None:
    relay, gateway = nodes
    await relay.book.publish([shard(1)])
    await gateway.book.publish([], GATEWAY)
    await gateway.later(1.0)
    await process.kill()
    await gateway.later(600.0)
    await process.start()
    for _ in range(10):
        await gateway.later(1.0)  # the relay has not noticed yet
    assert gateway.shards == {1: shard(1)}
    await relay.later(2 * PUBLISH_EVERY)
    await gateway.later(1.0)
    assert await gateway.directory.shards() == [shard(1)]
    assert await gateway.directory.gateways() == [GATEWAY]
    await gateway.later(MISSED_FOR + 1.0)
    assert gateway.shards == {1: shard(1)}


async def test_store_that_came_back_empty_and_was_filled_by_others_is_noticed(
    nodes: tuple[Node, Node], process: StoreProcess
) -> None:
    relay, gateway = nodes
    await relay.book.publish([shard(1)])
    await relay.later(1.0)
    await process.kill()
    await process.start()
    await gateway.book.publish([shard(number) for number in range(10, 20)])
    await relay.later(1.0)
    assert 1 in [record.shard for record in await gateway.directory.shards()]
    assert sorted(relay.shards) == [1, *range(10, 20)]


async def test_time_without_the_store_does_not_count_as_missing(
    nodes: tuple[Node, Node], process: StoreProcess
) -> None:
    relay, gateway = nodes
    await relay.book.publish([shard(1)])
    await gateway.later(1.0)
    client = open_client(process.url)
    await client.flushall()
    await client.aclose()
    await gateway.later(1.0)
    process.pause()
    await gateway.later(MISSED_FOR)
    process.resume()
    await gateway.later(2.0)
    assert gateway.shards == {1: shard(1)}


async def test_gateway_that_starts_with_the_store_dead_goes_on_with_the_last_directory(
    nodes: tuple[Node, Node], process: StoreProcess, tmp_path: Path
) -> None:
    relay, gateway = nodes
    await relay.book.publish([shard(1)], GATEWAY)
    await gateway.events.create(EVENT)
    await gateway.later(1.0)
    file = tmp_path / FILE_NAME
    keeper = LastKnownFile(file, gateway.book, gateway.events)
    keeper.start()
    await gateway.later(1.0)
    await relay.book.publish([shard(1), shard(2)], GATEWAY)
    await gateway.later(1.0)
    await keeper.stop()
    assert file.stat().st_mode & 0o777 == 0o600
    await process.kill()
    reborn = Node(process.url)
    assert LastKnownFile(file, reborn.book, reborn.events).load()
    assert reborn.shards == {1: shard(1), 2: shard(2)} and reborn.book.gateways == [GATEWAY]
    assert await reborn.events.find(EVENT.id) == EVENT
    await reborn.later(600.0)
    assert reborn.shards == {1: shard(1), 2: shard(2)}
    await reborn.directory.close()

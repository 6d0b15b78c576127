"""The directory behind Sentinel: real processes, a real kill -9, and the roads that lead nowhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stentor.cluster.client import open_client
from stentor.cluster.directory import Directory
from stentor.cluster.event_book import EventBook, EventRecord
from stentor.cluster.lease_holder import LeaseHolder
from stentor.cluster.leases import Lease, Leases, event_lease
from stentor.cluster.store import Store, StoreUnavailableError
from stentor.cluster.store_engine import EngineName
from stentor.core.links import ShardRecord
from stentor.net import clock
from support.sentinels import SentinelSetup, sentinel_setup
from support.store_process import eventually
from support.stores import PATIENCE, directory_on

SHARD = ShardRecord(7, "relay", 3, bytes(range(32)), "AB", (("192.0.2.1", 1),))
EVENT = EventRecord(id="abcd2345", title="t", starts_at=None, created_at=0.0, host_key_hash=b"h" * 32)


@pytest.fixture
async def setup(engine: EngineName, tmp_path: Path) -> AsyncIterator[SentinelSetup]:
    async with sentinel_setup(tmp_path, engine) as setup:
        yield setup


@pytest.mark.parametrize("engine", ["redis", "valkey"])
async def test_directory_outlives_its_master(setup: SentinelSetup) -> None:
    async with directory_on(setup.url) as directory:
        book, lost = EventBook(directory), list[Lease]()
        await directory.put_shard(SHARD)
        await book.create(EVENT)
        leases = Leases(directory.store)
        lease = await leases.acquire(event_lease(EVENT.id), b"node-a..", at_least_epoch=4)
        assert lease is not None
        holder = LeaseHolder(leases, lease, on_lost=lost.append, every=0.2)
        holder.start()
        await arrived(setup)
        await setup.master.kill()
        with pytest.raises(StoreUnavailableError):
            await directory.shards()
        assert await eventually(directory.shards, bool, within=20.0) == [SHARD]
        assert await directory.event(EVENT.id) == EVENT
        await eventually(lambda: leases.read(lease.name), lambda read: read == lease)
        assert holder.is_held and lost == []
        await setup.master.start()  # the old one comes back, empty, and is made a replica
        await directory.put_shard(SHARD)
        assert await directory.shards() == [SHARD]
        await holder.stop()


async def arrived(setup: SentinelSetup) -> None:
    """What was written before now is at the replica."""
    client = open_client(setup.master.url)
    await client.set("written", "last")
    await client.aclose()
    replica = open_client(setup.replica.url)
    await eventually(lambda: replica.get("written"), lambda value: value == b"last")
    await replica.aclose()


@pytest.mark.parametrize("engine", ["redis"])
async def test_one_sentinel_is_enough_and_none_is_only_missed_by_who_comes_new(setup: SentinelSetup) -> None:
    await unknown_service(setup)
    await setup.sentinels[0].kill()
    setup.sentinels[1].pause()  # takes connections and never answers
    async with directory_on(setup.url) as directory:
        began = clock.monotonic()
        await directory.put_shard(SHARD)
        assert await directory.shards() == [SHARD]
        assert clock.monotonic() - began < 1.0, "silent Sentinels cost no time"
        for sentinel in setup.sentinels:
            await sentinel.kill()
        assert await directory.shards() == [SHARD]
    late = Directory(open_client(setup.url), monotonic=clock.monotonic, read_timeout=PATIENCE)
    with pytest.raises(StoreUnavailableError, match="no Sentinel names a master"):
        await late.connect()
    await late.close()


async def unknown_service(setup: SentinelSetup) -> None:
    """A name that no Sentinel knows is said in the error."""
    store = Store(open_client(setup.url.rpartition("/")[0] + "/another"), monotonic=clock.monotonic)
    with pytest.raises(StoreUnavailableError, match="another"):
        await asyncio.wait_for(store.connect(), 5.0)
    await store.close()

"""Leases on real stores: epochs that only rise, whoever is killed, paused or emptied."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stentor.cluster.client import open_client
from stentor.cluster.lease_holder import LeaseHolder
from stentor.cluster.leases import LEADER, Lease, Leases, event_lease
from stentor.cluster.store import Store, StoreUnavailableError
from stentor.net import clock
from support.ports import free_tcp_port
from support.store_process import StoreProcess, eventually, plain_store, running
from support.stores import PATIENCE
from support.waiting import until

A, B = b"node-a..", b"node-b.."
NAME = event_lease("abcd2345")


@pytest.fixture(params=["redis", "valkey"])
async def process(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[StoreProcess]:
    async with running(plain_store(tmp_path / "store", free_tcp_port(), engine=request.param)) as process:
        yield process


@pytest.fixture
async def store(process: StoreProcess) -> AsyncIterator[Store]:
    store = Store(open_client(process.url), monotonic=clock.monotonic, read_timeout=PATIENCE)
    yield store
    await store.close()


@pytest.fixture
def leases(store: Store) -> Leases:
    return Leases(store)


async def lapsed(store: Store, leases: Leases, name: str = NAME) -> None:
    """As after TTL seconds of silence, without waiting for them."""
    await store.client.delete(f"stentor:{{{name}}}:lease")
    assert await leases.read(name) is None


async def held(leases: Leases, holder: bytes = A, *, at_least: int = 1) -> Lease:
    lease = await leases.acquire(NAME, holder, at_least_epoch=at_least)
    assert lease is not None
    return lease


async def test_first_holder_gets_epoch_one_and_others_nothing(leases: Leases) -> None:
    assert await leases.acquire(NAME, A) == Lease(NAME, A, 1)
    assert await leases.acquire(NAME, B, at_least_epoch=50) is None
    assert await leases.read(NAME) == Lease(NAME, A, 1)


async def test_leases_of_different_names_are_apart(leases: Leases) -> None:
    await held(leases)
    assert await leases.acquire(LEADER, B) == Lease(LEADER, B, 1)


async def test_epoch_rises_with_every_acquisition_and_above_what_peers_have_seen(
    store: Store, leases: Leases
) -> None:
    epochs = [(await held(leases)).epoch]
    await lapsed(store, leases)
    epochs.append((await held(leases, B, at_least=9)).epoch)
    await leases.release(Lease(NAME, B, 9))
    epochs.append((await held(leases, A, at_least=3)).epoch)
    assert epochs == [1, 9, 10]
    assert await leases.highest_epoch(NAME) == 10


async def test_holder_that_asks_again_gets_a_new_epoch(leases: Leases) -> None:
    old, new = await held(leases), await held(leases)
    assert (old.epoch, new.epoch) == (1, 2)
    assert not await leases.renew(old) and await leases.renew(new)


async def test_renewal_is_for_the_holder_and_its_epoch_alone(store: Store, leases: Leases) -> None:
    lease = await held(leases)
    assert await leases.renew(lease)
    assert not await leases.renew(Lease(NAME, B, lease.epoch))
    assert not await leases.renew(Lease(NAME, A, lease.epoch + 1))
    await lapsed(store, leases)
    assert not await leases.renew(lease)


async def test_lease_lapses_unless_it_is_renewed(store: Store) -> None:
    short = Leases(store, ttl=0.3)
    lease = await held(short)
    for _ in range(3):
        await asyncio.sleep(0.15)
        assert await short.renew(lease)
    await eventually(lambda: short.read(NAME), lambda read: read is None)
    assert await short.acquire(NAME, B) == Lease(NAME, B, 2)


async def test_release_is_for_the_holder_alone_and_keeps_the_epoch(leases: Leases) -> None:
    lease = await held(leases)
    assert not await leases.release(Lease(NAME, B, 1))
    assert await leases.release(lease)
    assert (await held(leases, B)).epoch == 2
    assert not await leases.release(lease)


@pytest.mark.parametrize("is_empty", [False, True])
async def test_lapsed_lease_is_restored_with_its_epoch(store: Store, leases: Leases, is_empty: bool) -> None:
    lease = await held(leases, at_least=7)
    await (store.client.flushall() if is_empty else lapsed(store, leases))
    assert await leases.restore(lease)
    assert await leases.read(NAME) == lease
    await lapsed(store, leases)
    assert (await held(leases, B)).epoch == 8


async def test_nothing_is_restored_over_a_higher_epoch_even_one_that_was_let_go(
    store: Store, leases: Leases
) -> None:
    mine = await held(leases)
    await lapsed(store, leases)
    theirs = await held(leases, B)
    assert not await leases.restore(mine)
    await leases.release(theirs)
    assert not await leases.restore(mine)


async def test_after_a_store_came_back_empty_the_higher_epoch_wins(store: Store, leases: Leases) -> None:
    mine = await held(leases, at_least=7)
    await store.client.flushall()
    upstart = await held(leases, B)
    assert upstart.epoch == 1
    assert await leases.restore(mine)
    assert not await leases.renew(upstart) and not await leases.restore(upstart)


async def test_of_two_holders_of_one_epoch_the_later_stays(store: Store, leases: Leases) -> None:
    mine = await held(leases)
    await store.client.flushall()  # as a failover that lost the acquisition
    assert await held(leases, B) == Lease(NAME, B, 1)
    assert not await leases.restore(mine)


class Losses:
    """What `on_lost` was told."""

    def __init__(self) -> None:
        self.lost: list[Lease] = []

    def holder(self, leases: Leases, lease: Lease) -> LeaseHolder:
        holder = LeaseHolder(leases, lease, on_lost=self.lost.append, every=0.05)
        holder.start()
        return holder


async def test_holder_renews_until_it_is_stopped_and_then_lets_go(store: Store) -> None:
    short, losses = Leases(store, ttl=0.5), Losses()
    holder = losses.holder(short, await held(short))
    await asyncio.sleep(1.0)
    assert holder.is_held and await short.acquire(NAME, B) is None
    await holder.stop()
    await holder.stop()
    assert not holder.is_held and losses.lost == []
    assert await short.acquire(NAME, B) == Lease(NAME, B, 2)


async def test_killed_store_takes_no_lease_and_gets_it_back_when_it_returns_empty(
    process: StoreProcess, leases: Leases
) -> None:
    losses = Losses()
    lease = await held(leases, at_least=5)
    holder = losses.holder(leases, lease)
    await process.kill()
    with pytest.raises(StoreUnavailableError):
        await leases.acquire(NAME, B)
    await asyncio.sleep(0.3)
    assert holder.is_held
    await process.start()
    await eventually(lambda: leases.read(NAME), lambda read: read == lease)
    assert holder.is_held and losses.lost == [] and await leases.highest_epoch(NAME) == 5
    await holder.stop()


async def test_holder_that_slept_through_its_lease_is_told_once_that_it_is_lost(
    store: Store, leases: Leases
) -> None:
    losses = Losses()
    lease = await held(leases)
    await lapsed(store, leases)
    theirs = await held(leases, B)
    holder = losses.holder(leases, lease)  # it wakes up
    await until(lambda: losses.lost)
    await asyncio.sleep(0.2)
    assert losses.lost == [lease] and not holder.is_held
    await holder.stop()
    assert await leases.read(NAME) == theirs, "and does not let go what is another's"


async def test_higher_epoch_from_a_peer_deposes_also_without_the_store(
    process: StoreProcess, leases: Leases
) -> None:
    losses = Losses()
    lease = await held(leases, at_least=3)
    holder = losses.holder(leases, lease)
    await process.kill()
    holder.depose(3)
    assert holder.is_held
    holder.depose(4)
    holder.depose(5)
    assert not holder.is_held and losses.lost == [lease]
    await holder.stop()


async def test_of_many_who_ask_at_once_one_gets_it(process: StoreProcess) -> None:
    stores = [
        Store(open_client(process.url), monotonic=clock.monotonic, read_timeout=PATIENCE) for _ in range(8)
    ]
    asked = [Leases(store).acquire(NAME, bytes([number]) * 8) for number, store in enumerate(stores)]
    granted = [lease for lease in await asyncio.gather(*asked) if lease is not None]
    assert len(granted) == 1 and granted[0].epoch == 1
    for store in stores:
        await store.close()

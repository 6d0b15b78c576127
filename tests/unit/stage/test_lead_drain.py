"""Who leads while stages drain, and when one of them was cut off meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from stentor.cluster.leases import Lease, event_lease
from stentor.stage.lead import PASSING, SOUNDS_WITHIN, TURN
from support.memory_cluster import EVENT, EVENT_ID, MemoryCluster, StageSeat
from support.stage_scenes import asked, cut_off, heal, in_order, lead, player


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    return player(monkeypatch)


async def both_lead(cluster: MemoryCluster) -> tuple[StageSeat, StageSeat]:
    """One drained and is cut off, two took over for relays that asked."""
    one, two = cluster.stages
    await lead(one)
    one.lead.drain()
    await asyncio.sleep(0.1)
    cut_off(one, cluster)
    await asked(cluster, TURN + 1.5)
    assert (one.epoch, two.epoch) == (1, 2)
    return one, two


async def one_epoch_twice(cluster: MemoryCluster) -> tuple[StageSeat, StageSeat]:
    """The first drains; the store forgot it and gave the second the same epoch."""
    one, two = cluster.stages
    await lead(one)
    one.lead.drain()
    cluster.wire.isolated.add(two.address)
    two.lead._epochs.forget(EVENT)
    await asyncio.sleep(0.1)
    cluster.store.lose_everything()
    await lead(two)
    assert (one.epoch, two.epoch) == (1, 1)
    return one, two


def test_draining_stage_leaves_events_to_others(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        first, second = in_order(cluster)
        first.lead.draining = True
        await asked(cluster, TURN + 1.5)
        assert (first.epoch, second.epoch) == (0, 1)

    play(scene, relays=("python",))


def test_draining_stage_is_heard_until_the_one_its_publisher_moves_to_has_taken_over(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        one, two = cluster.stages
        relay = cluster.relays[0]
        relay.listen()
        await lead(one)
        await asyncio.sleep(2.0)
        one.lead.drain()
        heard = relay.heard
        await asyncio.sleep(1.0)
        assert (one.epoch, one.has_host) == (1, True)  # nobody else is there yet
        await lead(two)  # at once: the lease is free
        await asyncio.sleep(PASSING - 1.0)
        assert one.has_host
        await asyncio.sleep(3.0)
        assert (one.epoch, one.sent_away, one.has_host) == (0, 1, False)
        assert relay.heard - heard >= 49 * 6
        assert relay.uplinks._events[EVENT].uplink.stage == two.node

    play(scene, relays=("python",))


def test_drained_stage_that_missed_its_successors_word_ends_though_the_lease_is_free_again(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        one, two = await both_lead(cluster)
        two.lead.drain()
        await asyncio.sleep(0.1)
        assert cluster.store.holder(event_lease(EVENT_ID)) is None
        heal(cluster)
        cluster.wire.cut.add(frozenset((one.address, two.address)))  # the store alone can tell
        await asyncio.sleep(1.5)
        assert one.has_host  # relays change over meanwhile
        await asyncio.sleep(PASSING)
        assert (one.epoch, one.sent_away, two.epoch) == (0, 1, 2)

    play(scene, relays=("python",))


def test_drained_stage_hears_of_its_successor_from_that_stage_when_the_store_knows_nothing(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        one, two = await both_lead(cluster)
        two.lead.drain()
        await asyncio.sleep(0.1)
        cluster.store.lose_everything()
        heal(cluster)
        await asyncio.sleep(PASSING + 1.5)
        assert (one.epoch, one.sent_away, two.epoch) == (0, 1, 2)
        assert two.mesh.dropped["stale stage"] >= 1

    play(scene, relays=("python",))


def test_of_two_with_one_epoch_the_one_that_has_the_lease_rises(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        one, two = await one_epoch_twice(cluster)
        heal(cluster)
        await asyncio.sleep(PASSING + 2.5)
        assert (one.epoch, two.epoch, two.has_host) == (0, 2, True)

    play(scene)


@pytest.mark.parametrize("drains", [True, False], ids=["both drain", "store away"])
def test_of_two_with_one_epoch_and_no_lease_the_higher_id_stays(play, drains: bool) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        one, two = await one_epoch_twice(cluster)
        if drains:
            two.lead.drain()
        heal(cluster, store=False)
        await asyncio.sleep(PASSING + 2.5)
        assert one.node < two.node
        assert (one.epoch, two.epoch, two.has_host) == (0, 1, True)

    play(scene)


def test_when_all_stages_drain_the_one_that_leads_goes_on(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        one, two = cluster.stages
        relay = cluster.relays[0]
        relay.listen()
        await lead(one)
        await asyncio.sleep(2.0)
        heard = relay.heard
        one.lead.drain()
        two.lead.drain()
        await asyncio.sleep(20.0)
        assert (one.epoch, one.has_host, two.epoch) == (1, True, 0)
        assert relay.heard - heard >= 49 * 20

    play(scene, relays=("python",))


def test_stage_that_drains_takes_what_no_other_stage_takes_and_keeps_no_lease(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        first, second = in_order(cluster)
        first.lead.drain()
        cluster.wire.isolated.add(second.address)
        await asked(cluster, 2 * TURN)
        assert not first.epoch  # it is not its turn
        await asked(cluster, TURN)
        assert first.epoch == 1
        assert cluster.store.holder(event_lease(EVENT_ID)) is None
        cluster.wire.isolated.clear()
        await lead(second)
        await asyncio.sleep(SOUNDS_WITHIN + PASSING)
        assert (first.epoch, second.epoch) == (0, 2)

    play(scene, relays=("python",))


def test_publisher_who_comes_to_a_draining_stage_is_heard_and_its_lease_given_back(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        one, two = cluster.stages
        one.lead.drain()
        await lead(one)
        assert (one.epoch, cluster.store.holder(event_lease(EVENT_ID))) == (1, None)
        await lead(two)
        assert two.epoch == 2

    play(scene)


def test_lease_that_was_on_its_way_when_the_drain_began_is_given_back(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        one, _ = cluster.stages
        acquire = one.leases.acquire

        async def slowly(name: str, holder: bytes, *, at_least_epoch: int = 1) -> Lease | None:
            lease = await acquire(name, holder, at_least_epoch=at_least_epoch)
            await asyncio.sleep(0.05)
            return lease

        one.leases.acquire = slowly  # type: ignore[method-assign]
        one.host_comes()
        await asyncio.sleep(0.02)
        one.lead.drain()
        assert not one.epoch
        await asyncio.sleep(0.1)
        assert (one.epoch, cluster.store.holder(event_lease(EVENT_ID))) == (1, None)

    play(scene)

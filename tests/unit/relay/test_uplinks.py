"""The relay's end of the trunk as a shell, in virtual time, over the real mesh and a real stage."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from stentor.core.errors import LocalError
from stentor.core.mesh.messages import Kind, StageIs, SubscribeAck
from stentor.core.trunk.link import SILENCE
from stentor.net import clock
from stentor.net.rounds import until_round
from stentor.relay.uplinks import ASK_EVERY, CALM_TICK, TICK, WANTED_FOR
from support.memory_cluster import EVENT, MemoryCluster, RelaySeat
from support.stage_scenes import player
from support.trunk_nodes import KINDS

Play = Callable[..., None]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Play:
    return partial(player(monkeypatch), stages=1, relays=("python",))


async def on_air(cluster: MemoryCluster) -> None:
    """A host talks and every relay has a listener who hears it."""
    cluster.stages[0].host_comes()
    for relay in cluster.relays:
        relay.listen()
    await asyncio.sleep(2.0)


async def heard_in(relay: RelaySeat, seconds: float) -> int:
    before = relay.heard
    await asyncio.sleep(seconds)
    return relay.heard - before


def questions(cluster: MemoryCluster) -> int:
    return sum(count for (_, kind), count in cluster.wire.told.items() if kind == Kind.WHO_IS_STAGE)


def subscribes(cluster: MemoryCluster) -> int:
    return sum(count for (_, kind), count in cluster.wire.told.items() if kind == Kind.SUBSCRIBE)


@pytest.mark.parametrize("kind", KINDS)
def test_event_that_is_subscribed_to_is_heard(play: Play, kind: str) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        await on_air(cluster)
        assert await heard_in(cluster.relays[0], 1.0) >= 49
        assert cluster.relays[0].uplinks.epoch_of(EVENT) == 1

    play(scene, relays=(kind,))


def test_stage_is_asked_for_until_somebody_feeds_us_and_no_longer(play: Play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        stage, relay = cluster.stages[0], cluster.relays[0]
        stage.leases.is_away = True  # so that it cannot lead
        relay.listen()
        await asyncio.sleep(5.0)
        asked = questions(cluster)
        assert 0.7 * 5.0 / ASK_EVERY <= asked <= 5.0 / ASK_EVERY + 1
        stage.leases.is_away = False
        await asyncio.sleep(2.0)
        asked = questions(cluster)
        assert await heard_in(relay, 5.0) >= 245
        assert questions(cluster) == asked

    play(scene)


def test_stage_is_asked_for_while_only_a_deposed_one_feeds_us(play: Play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        relay, stage = cluster.relays[0], cluster.stages[0]
        await on_air(cluster)
        asked = questions(cluster)
        stage.leases.is_away = True
        stage.lead.overtaken = lambda event, epoch: None  # type: ignore[method-assign]
        stage.children._on_overtaken = lambda event, epoch: None  # it sleeps, and its kernel does not
        relay.uplinks.epochs.see(EVENT, 9)
        assert await heard_in(relay, 0.4) > 15  # still fed
        assert questions(cluster) > asked

    play(scene)


def test_child_that_has_seen_a_higher_epoch_makes_us_ask(play: Play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        await on_air(cluster)
        asked = questions(cluster)
        relay = cluster.relays[0]
        relay.uplinks._children._on_overtaken(EVENT, 7)
        assert questions(cluster) == asked + 1
        relay.uplinks._children._on_overtaken(EVENT, 8)  # not more often than ASK_EVERY
        relay.uplinks._children._on_overtaken(b"unknown.", 8)
        assert questions(cluster) == asked + 1

    play(scene)


def test_stage_is_reached_where_it_speaks_from_whatever_it_says(play: Play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        stage, relay = cluster.stages[0], cluster.relays[0]
        stage.lead._link = ("192.0.2.1", 1)  # as it believes, behind an address translation
        await on_air(cluster)
        assert await heard_in(relay, 1.0) >= 49
        stage.mesh.tell(StageIs(b"another.", 1, stage.node, stage.address), relay.address)
        await asyncio.sleep(0.1)
        assert relay.uplinks.epoch_of(b"another.") == 0

    play(scene)


def test_word_of_a_stage_that_was_replaced_is_refused_and_counted(play: Play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        stage, relay = cluster.stages[0], cluster.relays[0]
        await on_air(cluster)
        stage.host_goes()
        stage.lead.overtaken(EVENT, 2)  # it rises
        stage.host_comes()
        await asyncio.sleep(1.0)
        assert relay.uplinks.epoch_of(EVENT) == 2
        refused = relay.mesh.dropped["stale stage"]
        stage.mesh.tell(StageIs(EVENT, 1, b"replaced", ("192.0.2.1", 1)), relay.address)
        stage.mesh.tell(SubscribeAck(EVENT, bytes(16), bytes(16), 1, b"replaced"), relay.address)
        stage.mesh.tell(SubscribeAck(EVENT, bytes(16), b"", 0, bytes(8), "not-stage"), relay.address)
        assert await heard_in(relay, 1.0) >= 49
        assert relay.mesh.dropped["stale stage"] == refused + 2

    play(scene)


def test_core_without_room_costs_that_stream_and_no_other(
    play: Play, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        relay = cluster.relays[0]
        add, calls = relay.trunk.add_uplink, 0

        def refuses_once(*args: Any, **options: Any) -> int:
            nonlocal calls
            calls += 1
            if calls == 1:
                raise LocalError("trunk: no room for another uplink")
            return add(*args, **options)

        relay.trunk.add_uplink = refuses_once  # type: ignore[method-assign]
        await on_air(cluster)
        assert await heard_in(relay, 1.0) >= 49
        assert calls == 2

    with caplog.at_level(logging.ERROR):
        play(scene)
    assert "no room for another uplink" in caplog.text


def test_event_that_nobody_wants_any_more_is_let_go(play: Play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        stage, relay = cluster.stages[0], cluster.relays[0]
        stage.host_comes()
        relay.uplinks.subscribe(EVENT, now=clock.monotonic())
        await asyncio.sleep(WANTED_FOR - 0.5)
        assert stage.children.count(EVENT) == 1
        await asyncio.sleep(0.6 + CALM_TICK)
        assert stage.children.count(EVENT) == 0
        assert relay.uplinks._events == {} and relay.uplinks._installed == {}

    play(scene)


def leaf_and_parent(cluster: MemoryCluster) -> tuple[RelaySeat, RelaySeat]:
    """A relay below another one, and that."""
    for leaf in cluster.relays:
        above = leaf.uplinks._events[EVENT].uplink.parent
        for parent in cluster.relays:
            if parent.node == above:
                return leaf, parent
    raise AssertionError("the tree has one level")


def test_relay_without_listeners_goes_on_for_those_below_it(play: Play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        await on_air(cluster)
        leaf, parent = leaf_and_parent(cluster)
        assert parent._listening is not None
        parent._listening.cancel()
        await asyncio.sleep(2 * WANTED_FOR)
        assert await heard_in(leaf, 1.0) >= 49

    play(scene, relays=("python",) * 6, fanout=4)


def test_relay_that_is_about_to_leave_loses_its_children_before_it_goes_and_they_miss_nothing(
    play: Play,
) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        await on_air(cluster)
        leaf, parent = leaf_and_parent(cluster)
        parent.uplinks.leave()
        assert await heard_in(leaf, 2.0) >= 99
        assert leaf.uplinks._events[EVENT].uplink.parent != parent.node
        await parent.die()
        assert await heard_in(leaf, 2.0) >= 99

    play(scene, relays=("python",) * 6, fanout=4)


def test_parent_that_dies_is_replaced_after_a_short_silence(play: Play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        await on_air(cluster)
        leaf, parent = leaf_and_parent(cluster)
        cluster.wire.isolated.add(parent.address)
        assert await heard_in(leaf, 2.0) >= 55

    play(scene, relays=("python",) * 6, fanout=4)


def test_stopped_relay_says_goodbye_to_its_parent(play: Play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        await on_air(cluster)
        stage, relay = cluster.stages[0], cluster.relays[0]
        await relay.uplinks.stop()
        await asyncio.sleep(0.1)
        assert stage.children.count(EVENT) == 0

    play(scene)


def test_second_stage_of_an_epoch_has_to_take_a_higher_one_before_it_is_heard(play: Play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        relay = cluster.relays[0]
        await on_air(cluster)
        cluster.store.lose_everything()
        await cluster.restart_stage(0)  # another life, which knows of no epoch
        cluster.wire.isolated.add(relay.address)
        cluster.stages[0].host_comes()
        await asyncio.sleep(0.5)
        assert cluster.stages[0].epoch == 1  # again
        cluster.wire.isolated.clear()
        await asyncio.sleep(3.0)
        assert await heard_in(relay, 2.0) >= 98
        assert cluster.stages[0].epoch > 1 and cluster.stages[0].sent_away == 0

    play(scene)


def test_relay_that_is_fed_looks_once_a_second_and_asks_its_parent_as_often(play: Play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        await on_air(cluster)
        uplinks, looks = cluster.relays[0].uplinks, list[float]()
        tick = uplinks._tick

        def looking(event: bytes, known: Any, now: float) -> None:
            looks.append(now)
            tick(event, known, now)

        uplinks._tick = looking  # type: ignore[method-assign]
        asked = subscribes(cluster)
        await asyncio.sleep(10.0)
        assert len(looks) == 10
        assert subscribes(cluster) - asked == 10
        assert looks[-1] == pytest.approx(clock.monotonic() - 1.0 + until_round(1.0))  # with everything else

    play(scene)


@pytest.mark.parametrize("kind", KINDS)
def test_silence_is_noticed_when_it_has_lasted_long_enough(play: Play, kind: str) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        await on_air(cluster)
        relay = cluster.relays[0]
        for _ in range(7):  # wherever between two looks it begins
            await asyncio.sleep(1.09)
            assert not relay.uplinks.is_seeking(EVENT, clock.monotonic())
            cluster.wire.isolated.add(cluster.stages[0].address)
            await asyncio.sleep(SILENCE + TICK)
            assert relay.uplinks._events[EVENT].uplink.is_trying
            cluster.wire.isolated.clear()
            await asyncio.sleep(2.0)

    play(scene, relays=(kind,))


def test_message_after_a_stall_does_not_pass_for_a_silence(play: Play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        await on_air(cluster)
        relay = cluster.relays[0]
        for _ in range(9):
            await asyncio.sleep(0.37)
            known = relay.uplinks._events[EVENT]
            current = known.uplink._current
            assert current is not None
            current.last_packet = clock.monotonic() - SILENCE - 0.1  # as the last look left it
            relay.uplinks.on_directory(relay.uplinks.tree._relays, 1)
            assert not known.uplink.is_trying

    play(scene)


def test_stage_is_asked_for_at_once_when_the_first_listener_comes(play: Play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        cluster.stages[0].host_comes()
        await asyncio.sleep(2.3)
        assert questions(cluster) == 0
        cluster.relays[0].listen()
        await asyncio.sleep(0)
        assert questions(cluster) == 1

    play(scene)

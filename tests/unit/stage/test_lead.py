"""Who leads an event, in virtual time, over the real mesh, trunk and stage."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from stentor.cluster.leases import LEASE_TTL, event_lease
from stentor.core.mesh.messages import Kind, StageIs, WhoIsStage
from stentor.net import clock
from stentor.stage.lead import GIVE_UP, IDLE, SOUNDS_WITHIN, TURN
from support.memory_cluster import EVENT, MemoryCluster, Views
from support.stage_scenes import asked, cut_off, heal, in_order, lead, player


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    return player(monkeypatch)


def test_publisher_makes_its_stage_the_leader_and_everybody_hears_of_it(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        one, _ = cluster.stages
        await lead(one)
        assert (one.epoch, one.lead.led_events()) == (1, [EVENT])
        await asyncio.sleep(SOUNDS_WITHIN)
        assert cluster.wire.told[one.address, Kind.STAGE_IS] == 2  # the other stage and the relay
        assert one.views.place_of(EVENT) in (0, 1)

    play(scene, relays=("python",))


def test_publisher_of_a_stage_that_cannot_lead_is_kept_for_a_while_and_then_sent_away(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        one, two = cluster.stages
        await lead(one)
        two.host_comes()
        await asyncio.sleep(GIVE_UP - 0.6)
        assert two.has_host
        await asyncio.sleep(1.2)
        assert (two.has_host, two.epoch, one.has_host) == (False, 0, True)

    play(scene)


def test_publisher_takes_over_as_soon_as_a_dead_leaders_lease_has_lapsed(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        one, two = cluster.stages
        await lead(one)
        await one.die()
        two.host_comes()
        await asyncio.sleep(LEASE_TTL - 0.6)
        assert not two.epoch
        await asyncio.sleep(1.2)
        assert (two.epoch, two.has_host) == (2, True)

    play(scene)


def test_publisher_that_comes_while_a_relays_question_fails_is_not_forgotten(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        one, two = in_order(cluster)
        await lead(two)
        await two.die()
        await asked(cluster, 1.5)  # `one` tries, in vain: the lease has not lapsed
        one.host_comes()
        await asyncio.sleep(LEASE_TTL)
        assert one.epoch == 2

    play(scene, relays=("python",))


def test_first_in_the_events_order_takes_what_relays_ask_for_and_nobody_leads(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        first, second = in_order(cluster)
        await asked(cluster, 1.5)
        assert (first.epoch, second.epoch) == (1, 0)

    play(scene, relays=("python",))


def test_next_in_the_order_waits_its_turn(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        first, second = in_order(cluster)
        cluster.wire.isolated.add(first.address)
        await asked(cluster, TURN)
        assert not second.epoch
        await asked(cluster, 1.0)
        assert second.epoch == 1

    play(scene, relays=("python",))


def test_event_nobody_knows_or_that_is_over_is_not_taken(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        one, two = cluster.stages
        one.views.knows, two.views.over = False, True
        await asked(cluster, 4.0)
        assert cluster.leaders == []

    play(scene, relays=("python",))


def test_leader_that_lives_is_left_alone_though_the_store_has_lost_its_lease(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        first, second = in_order(cluster)
        await lead(second)
        second.leases.is_away = True  # so that it cannot write it again
        cluster.store.lose_everything()
        await asked(cluster, 5.0)
        assert (first.epoch, second.epoch) == (0, 1)
        second.leases.is_away = False
        await asyncio.sleep(1.1)
        assert cluster.store.held and second.epoch == 1

    play(scene, relays=("python",))


def test_relay_that_asks_others_than_the_leader_is_told_who_it_is(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        first, second = in_order(cluster)
        relay = cluster.relays[0]
        cluster.wire.cut.add(frozenset((first.address, second.address)))  # they cannot ask each other
        cluster.wire.isolated.add(relay.address)
        await lead(second)
        cluster.wire.isolated.clear()
        relay.listen()
        relay._ask_stages = lambda event: relay.mesh.tell(WhoIsStage(event), first.address)  # type: ignore[method-assign, assignment]
        relay.uplinks._ask_stages = relay._ask_stages
        await asyncio.sleep(3.0)
        heard = relay.heard
        await asyncio.sleep(1.0)
        assert relay.heard - heard > 40
        assert (first.epoch, second.epoch) == (0, 1)

    play(scene, relays=("python",))


def test_stage_that_stops_gives_its_lease_back_at_once(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        one, two = cluster.stages
        await lead(one)
        one.host_goes()
        await one.stop()
        await lead(two)
        assert two.epoch == 2

    play(scene)


def test_cut_off_leader_is_deposed_when_it_is_back_and_sends_its_publisher_away(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        one, two = cluster.stages
        relay = cluster.relays[0]
        relay.listen()
        await lead(one)
        await asyncio.sleep(1.0)
        cut_off(one, cluster)
        await asyncio.sleep(LEASE_TTL + TURN + 2.0)
        assert (one.epoch, two.epoch) == (1, 2)  # the old one does not know
        heard = relay.heard
        await asyncio.sleep(1.0)
        assert relay.heard - heard > 40
        cluster.wire.isolated.clear()
        one.leases.is_away = False
        await asyncio.sleep(2.0)
        assert (one.epoch, one.sent_away, one.has_host) == (0, 1, False)
        assert relay.uplinks.epoch_of(EVENT) == 2

    play(scene, relays=("python",))


def test_word_of_a_stage_that_was_replaced_keeps_nobody_from_leading(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        one, two = in_order(cluster)
        one.lead._epochs.see(EVENT, 5)
        stale = StageIs(EVENT, 4, two.node, two.address)

        async def repeat() -> None:
            while True:
                two.mesh.tell(stale, one.address)
                await asyncio.sleep(0.3)

        repeating = asyncio.create_task(repeat())
        await asked(cluster, 3.0)
        repeating.cancel()
        assert one.epoch == 6
        assert one.mesh.dropped["stale stage"] >= 5

    play(scene, relays=("python",))


def test_relays_word_deposes_a_stage_that_the_store_knows_nothing_against(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        one, two = cluster.stages
        await lead(one)
        one.leases.is_away = two.leases.is_away = True
        cluster.relays[0].uplinks.epochs.see(EVENT, 5)
        cluster.relays[0].listen()
        await asyncio.sleep(1.0)
        assert (one.epoch, one.sent_away) == (0, 1)
        one.leases.is_away = False
        await lead(one)
        assert one.epoch > 5

    play(scene, relays=("python",))


def test_leader_whose_store_forgot_the_epochs_rises_above_what_relays_have_seen(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        one, _ = cluster.stages
        relay = cluster.relays[0]
        await lead(one)
        relay.uplinks.epochs.see(EVENT, 5)
        relay.listen()
        await asyncio.sleep(2.0)
        assert (one.epoch, one.sent_away, one.has_host) == (6, 0, True)
        heard = relay.heard
        await asyncio.sleep(3.0)  # with renewals
        assert relay.heard - heard > 140 and one.epoch == 6

    play(scene, relays=("python",))


def test_stage_that_leads_again_is_heard_though_it_counts_from_somewhere_else(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        relay = cluster.relays[0]
        relay.listen()
        for turn in range(6):
            leader = cluster.stages[turn % 2]
            leader.host_comes()
            await asyncio.sleep(2.0)
            heard = relay.heard
            await asyncio.sleep(1.0)
            assert relay.heard - heard > 40, turn
            leader.host_goes()
            await leader.lead.end_event(EVENT)

    play(scene, relays=("python",))


def test_event_without_publisher_and_listeners_is_given_back_after_a_while(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        one, two = cluster.stages
        await lead(one)
        one.host_goes()
        await asyncio.sleep(IDLE - 5)
        assert one.epoch
        await asyncio.sleep(10)
        assert not one.epoch
        await lead(two)

    play(scene)


def test_event_that_is_over_is_ended_though_nobody_has_told_the_stage(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        one, _ = cluster.stages
        await lead(one)
        one.views.over = True
        await asyncio.sleep(1.5)
        assert (one.epoch, one.has_host, one.lead.led_events()) == (0, False, [])

    play(scene)


def test_stage_that_was_replaced_before_its_publisher_sounded_says_nothing(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        one, _ = cluster.stages
        one.lead.open_source(EVENT, b"silent..", now=clock.monotonic())
        await asyncio.sleep(0.1)
        assert one.epoch
        await one.lead.end_event(EVENT)
        await asyncio.sleep(2 * SOUNDS_WITHIN)
        assert cluster.wire.told[one.address, Kind.STAGE_IS] == 0

    play(scene, relays=("python",))


def test_leader_that_was_replaced_learns_it_from_its_successor_while_the_store_is_away(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        one, two = cluster.stages
        await lead(one)
        cut_off(one, cluster)
        await asked(cluster, LEASE_TTL + TURN + 1.0)
        assert (one.epoch, two.epoch) == (1, 2)
        heal(cluster, store=False)
        await asyncio.sleep(2.5)
        assert (one.epoch, one.sent_away, two.epoch) == (0, 1, 2)

    play(scene, relays=("python",))


def test_leader_that_is_sure_of_its_lease_does_not_repeat_itself(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        one, _ = cluster.stages
        await lead(one)
        await asyncio.sleep(2 * SOUNDS_WITHIN)
        said = cluster.wire.told[one.address, Kind.STAGE_IS]
        await asyncio.sleep(10.0)
        assert cluster.wire.told[one.address, Kind.STAGE_IS] == said
        one.leases.is_away = True
        await asyncio.sleep(5.0)
        assert 3 <= cluster.wire.told[one.address, Kind.STAGE_IS] - said <= 5  # once a second, to one stage

    play(scene, relays=("python",))


def test_stage_that_stopped_takes_nothing(play) -> None:
    async def scene(cluster: MemoryCluster) -> None:
        one = cluster.stages[0]
        await one.lead.stop()
        await asked(cluster, 6.0)
        one.host_comes()
        await asyncio.sleep(1.0)
        assert cluster.leaders == []

    play(scene, stages=1, relays=("python",))


def test_event_that_ends_while_the_stage_waits_for_the_store_is_not_taken_again(play, monkeypatch) -> None:
    monkeypatch.setattr(Views, "id_of", lambda _, event: event.decode())
    other = b"event--2"

    async def scene(cluster: MemoryCluster) -> None:
        one, two = cluster.stages

        async def slowly(name: str) -> int:
            await asyncio.sleep(0.5)
            return 0

        one.leases.highest_epoch = slowly  # type: ignore[method-assign]
        await lead(one)
        one.lead.drain()
        for stage in (two, one):  # `two` leads the other event, `one` has a publisher who waits for it
            stage.lead.open_source(other, b"source--", now=clock.monotonic())
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.9)  # `one` asks the store about the first event
        for stage in (one, two):
            await stage.lead.end_event(other)
        await asyncio.sleep(2.0)
        assert cluster.store.holder(event_lease(other.decode())) is None

    play(scene)

"""The laws at work on a real relay: load is told, time is virtual."""

from __future__ import annotations

import asyncio

import pytest

from stentor.core.admission.seats import offered
from stentor.core.webrtc.notices import PeerClosed
from stentor.net import clock
from support.kept_shard import LAWS, Shard, keeping, kept, sit
from support.memory_peer import MemoryPeer
from support.shells import connected
from support.virtual_loop import VirtualLoop, run_virtually


def test_seats_are_what_is_shipped_and_fall_when_packets_turn_out_dear(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test(shard: Shard) -> None:
        assert shard.relay.table.seats == shard.keeper.seats.total == 5909
        sit(shard.relay, 100)
        await shard.run(30.0, share=0.10, packets=5000)  # 20 us a packet
        assert 1000 < shard.relay.table.seats < 4000
        assert shard.gauge("cost_seconds", of="packet") == shard.keeper.costs.per_packet > 12e-6

    kept(monkeypatch, test)


def test_ceiling_is_kept_and_a_part_of_the_seats_is_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(shard: Shard) -> None:
        await shard.run(2.0)
        beat = shard.relay.heartbeat(now=1.0)
        assert (beat.seats_total, beat.seats_free) == (1000, offered(1000, 4))

    kept(monkeypatch, test, shards=4, max_seats=1000)


def test_memory_bounds_the_seats(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(shard: Shard) -> None:
        shard.memory = 10 * 1024 * 1000
        await shard.run(2.0)
        assert shard.relay.table.seats == 800

    kept(monkeypatch, test)


def test_packets_get_longer_with_listeners_and_shorter_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(shard: Shard) -> None:
        assert shard.relay.ptime == 20
        sit(shard.relay, 2500)
        await shard.run(0.5, share=0.4)
        assert shard.relay.ptime == 40
        sit(shard.relay, 5000)
        await shard.run(0.5, share=0.4)
        assert (shard.relay.ptime, shard.relay.heartbeat(now=0.0).ptime) == (120, 120)
        sit(shard.relay, 0)
        await shard.run(9.0)
        assert shard.relay.ptime == 120
        await shard.run(25.0)
        assert shard.relay.ptime == 20

    kept(monkeypatch, test)


def test_pinned_length_stays_until_it_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(shard: Shard) -> None:
        shard.relay.set_ptime(40)
        sit(shard.relay, 5000)
        await shard.run(2.0, share=0.4)
        assert shard.relay.ptime == 40
        shard.relay.set_ptime(None)
        assert shard.relay.ptime == 40  # nothing is heard of it before the ladder has looked
        await shard.run(0.25, share=0.4)
        assert shard.relay.ptime == 120

    kept(monkeypatch, test)


def test_overload_brakes_and_only_the_floor_is_left_for_those_who_return(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test(shard: Shard) -> None:
        sit(shard.relay, 5000)
        await shard.run(2.0, share=0.95)
        beat = shard.relay.heartbeat(now=0.0)
        assert (beat.state, beat.credits) == ("braking", LAWS.credit_floor)
        assert shard.gauge("braking") == 1
        await shard.run(2.0, share=0.4)
        assert shard.relay.heartbeat(now=0.0).state == "ready"
        shard.relay.draining = True
        assert shard.relay.heartbeat(now=0.0).state == "draining"

    kept(monkeypatch, test)


def test_credits_fall_with_lateness_and_are_told_to_gateways(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(shard: Shard) -> None:
        sit(shard.relay, 1500)
        await shard.run(1.0, share=0.45)
        before = shard.relay.heartbeat(now=0.0).credits
        await shard.run(0.25, share=0.45, late=0.01)
        after = shard.relay.heartbeat(now=0.0).credits
        assert before is not None and after is not None and after < before
        assert after == shard.keeper.credits.rate == shard.gauge("join_credits_per_second")

    kept(monkeypatch, test)


def test_handshakes_start_as_fast_as_credits_come_in(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(shard: Shard) -> None:
        table, now = shard.relay.table, clock.monotonic
        peers = [MemoryPeer(("198.51.100.9", port), expires_at=now() + 5.0) for port in range(4000, 4030)]

        def knock() -> int:
            for peer in peers:
                if not peer.stun_answers:
                    peer.check(table, now=now())
            return table.peers

        at_once = knock()
        assert at_once == 5  # a tick's worth of 267 a second
        assert table.dropped["no credit"] == 25
        counts = []
        for _ in range(10):
            await asyncio.sleep(0.02)
            counts.append(knock())
        assert counts[:3] == [10, 15, 20] and counts[-1] == 30

    kept(monkeypatch, test)


def test_whoever_sat_here_comes_in_while_new_people_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(shard: Shard) -> None:
        table, now = shard.relay.table, clock.monotonic
        notice = connected(("127.0.0.1", 9))
        shard.relay.shell.on_notice(notice)
        shard.relay.shell.on_notice(PeerClosed(notice.capsule.session, "consent", True))
        sit(shard.relay, 5000)
        await shard.run(2.0, share=0.95)
        new, back = (
            MemoryPeer(("198.51.100.9", 4000 + number), expires_at=now() + 5.0, ticket=ticket)
            for number, ticket in enumerate((b"stranger", notice.capsule.ticket))
        )
        for peer in (new, back):
            peer.check(table, now=now())
        assert not new.stun_answers
        assert back.stun_answers

    kept(monkeypatch, test)


def test_whoever_sat_on_a_shard_that_died_comes_in_while_new_people_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test(shard: Shard) -> None:
        table, now = shard.relay.table, clock.monotonic
        sit(shard.relay, 5000)
        await shard.run(2.0, share=0.95)
        assert shard.relay.heartbeat(now=0.0).state == "braking"
        new, back = (
            MemoryPeer(("198.51.100.9", 4000 + returning), expires_at=now() + 5.0, returning=returning)
            for returning in (False, True)
        )
        for peer in (new, back):
            peer.check(table, now=now())
        assert [shard.keeper.is_returning(peer.capsule) for peer in (new, back)] == [False, True]
        assert not new.stun_answers
        assert back.stun_answers

    kept(monkeypatch, test)


def test_shard_at_the_end_of_the_ladder_asks_the_newest_to_move(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(shard: Shard) -> None:
        monkeypatch.setattr(clock, "wall", lambda: 1_700_000_000.5 + clock.monotonic() - began)
        began = clock.monotonic()
        for number in range(1, 201):
            if number % 20 == 0:
                await asyncio.sleep(1.0)
            shard.relay.shell.on_notice(connected(("127.0.0.1", 9), number=number))
        sit(shard.relay, 8000)
        await shard.run(9.0, share=0.7, late=0.06)
        shed = shard.relay.heartbeat(now=0.0).shed
        assert shed is not None and 0.0 <= shed.fraction <= 1.0
        assert 1_700_000_000 <= shed.since <= clock.wall() < shed.deadline
        await shard.run(5.0, share=0.7)
        assert shard.relay.heartbeat(now=0.0).shed is None

    kept(monkeypatch, test)


async def stall(shard: Shard, *, waiting: bool) -> float | None:
    """The loop is busy for half a second, with or without people at the door; the lateness that was seen."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    for _ in range(20):
        if waiting:
            shard.keeper.has_credit(returning=False)
        loop._jumping.now += 0.03  # as a handler that takes its time
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.25)
    return shard.gauge("lateness_seconds")


def test_loop_that_is_late_is_seen_while_people_join(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(shard: Shard) -> None:
        sit(shard.relay, 2000)
        await shard.run(1.0, share=0.5)
        lateness = await stall(shard, waiting=True)
        assert lateness is not None and lateness >= 0.009

    kept(monkeypatch, test)


def test_shard_that_nobody_joins_does_not_wake_up_for_the_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(shard: Shard) -> None:
        sit(shard.relay, 2000)
        await shard.run(1.0, share=0.5)
        shard.keeper.has_credit(returning=False)
        await shard.run(1.0, share=0.5)  # whoever knocked has gone
        assert await stall(shard, waiting=False) == 0.0

    kept(monkeypatch, test)


def test_keeper_that_has_stopped_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        with keeping() as shard:
            shard.keeper.start()
            shard.keeper.stop()
            sit(shard.relay, 5000)
            await asyncio.sleep(5.0)
            assert shard.relay.ptime == 20

    run_virtually(monkeypatch, main())

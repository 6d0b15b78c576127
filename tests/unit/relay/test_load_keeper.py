"""The laws at work on a real relay: load is told, time is virtual."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from stentor.core.admission.laws import Laws
from stentor.core.admission.seats import offered
from stentor.core.webrtc.notices import PeerClosed
from stentor.net import clock
from stentor.net.fanout import PythonFanout
from stentor.net.media_load import MediaLoad
from stentor.relay.load_keeper import LoadKeeper
from stentor.relay.load_meter import Window
from stentor.relay.shard import RelayShard
from stentor.telemetry.metrics import Metrics
from support.memory_peer import MemoryPeer
from support.shells import connected, open_shell, record_of
from support.virtual_loop import VirtualLoop, run_virtually

LAWS = Laws()


class Nobody:
    """A trunk that is asked in vain."""

    def subscribe(self, event: bytes, *, now: float) -> None:
        """Nobody hears it."""


class Shard:
    """A relay, its keeper, and the load that a test makes up."""

    def __init__(self, relay: RelayShard, metrics: Metrics, laws: Laws) -> None:
        self.relay, self.metrics = relay, metrics
        self.media = MediaLoad(joining=0.0)
        self.process = 0.0
        self.memory: int | None = None
        self.keeper = LoadKeeper(
            relay,
            laws,
            metrics,
            cores=1.0,
            read=lambda: self.media,
            process_cpu=lambda: self.process,
            memory=lambda: self.memory,
        )

    def gauge(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"stentor_relay_{name}", labels)

    async def run(self, seconds: float, *, share: float = 0.0, late: float = 0.001, packets: int = 0) -> None:
        """Time passes with this share of the core for media and packets that late."""
        for _ in range(round(seconds / 0.25)):
            lateness = dict(self.media.lateness)
            lateness[late] = lateness.get(late, 0) + 100
            self.media = replace(
                self.media,
                cpu=self.media.cpu + 0.25 * share,
                packets=self.media.packets + packets // 4,
                lateness=lateness,
            )
            self.process += 0.25 * share
            await asyncio.sleep(0.25)


@contextlib.contextmanager
def keeping(laws: Laws = LAWS, *, shards: int = 1, max_seats: int = 100_000) -> Iterator[Shard]:
    with open_shell() as shell:
        shell.table.seats = max_seats
        metrics = Metrics(CollectorRegistry())
        fanout = PythonFanout(shell.send)
        relay = RelayShard(record_of("relay"), shell, fanout, Nobody(), metrics, shards=lambda: shards)
        yield Shard(relay, metrics, laws)


def kept(
    monkeypatch: pytest.MonkeyPatch,
    test: Callable[[Shard], Awaitable[None]],
    laws: Laws = LAWS,
    **options: int,
) -> None:
    """Run `test` with a keeper that works."""

    async def main() -> None:
        with keeping(laws, **options) as shard:
            shard.keeper.start()
            await test(shard)
            shard.keeper.stop()
            loop = asyncio.get_running_loop()
            assert isinstance(loop, VirtualLoop)
            assert loop.failures == []

    run_virtually(monkeypatch, main())


def sit(relay: RelayShard, count: int) -> None:
    """Seat listeners of the table's count; nobody sends to them."""
    relay.table.connected_count = count


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


def windows_of(shard: Shard) -> list[float]:
    """Fills with the length of each window from now on."""
    seconds: list[float] = []
    step = shard.keeper.step

    def counting(now: float) -> Window:
        window = step(now)
        seconds.append(window.seconds)
        return window

    shard.keeper.step = counting  # type: ignore[method-assign]
    return seconds


def test_calm_shard_looks_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(shard: Shard) -> None:
        sit(shard.relay, 100)
        await shard.run(2.0, share=0.02)
        seconds = windows_of(shard)
        await shard.run(10.0, share=0.02)
        assert seconds == pytest.approx([1.0] * 10)
        assert shard.keeper._second.seconds == 0.0  # costs are learnt from each

    kept(monkeypatch, test)


@pytest.mark.parametrize(("share", "late"), [(0.2, 0.001), (0.02, 0.01)])
def test_shard_that_is_busy_or_late_looks_four_times_a_second(
    monkeypatch: pytest.MonkeyPatch, share: float, late: float
) -> None:
    async def test(shard: Shard) -> None:
        sit(shard.relay, 100)
        await shard.run(3.0, share=0.02)
        await shard.run(1.5, share=share, late=late)  # seen by its end
        seconds = windows_of(shard)
        await shard.run(2.0, share=share, late=late)
        assert seconds == pytest.approx([0.25] * 8)

    kept(monkeypatch, test)


@pytest.mark.parametrize("phase", [0.0, 0.25, 0.5, 0.75])
def test_knock_ends_the_calm_and_the_windows_after_it_are_short(
    monkeypatch: pytest.MonkeyPatch, phase: float
) -> None:
    async def test(shard: Shard) -> None:
        await shard.run(3.0)
        await asyncio.sleep(0.01)
        await shard.run(phase)
        seconds = windows_of(shard)
        for _ in range(8):
            assert shard.keeper.has_credit(returning=False)
            await shard.run(0.25)
        assert len(seconds) >= 8
        assert max(seconds[1:]) < 0.27  # the first one is the calm before it
        await shard.run(4.0)  # nobody any more
        assert seconds[-2:] == pytest.approx([1.0, 1.0])

    kept(monkeypatch, test)


def test_shard_is_not_calm_while_somebody_is_joining(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(shard: Shard) -> None:
        await shard.run(3.0)
        table, now = shard.relay.table, clock.monotonic()
        MemoryPeer(("198.51.100.9", 4000), expires_at=now + 5.0).check(table, now=now)
        assert table.peers == 1
        seconds = windows_of(shard)
        await shard.run(2.0)
        assert max(seconds) < 0.26

    kept(monkeypatch, test)


def test_house_that_waits_for_its_host_is_not_calm(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(shard: Shard) -> None:
        sit(shard.relay, 1500)
        await shard.run(3.0)  # nobody speaks, so they cost nothing yet
        seconds = windows_of(shard)
        await shard.run(2.0)
        assert seconds == pytest.approx([0.25] * 8)

    kept(monkeypatch, test)


def test_window_that_fails_does_not_leave_a_long_one_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        with keeping() as shard:
            shard.keeper.start()
            await shard.run(4.1)
            seconds, working = windows_of(shard), shard.keeper.step

            def failing(now: float) -> Window:
                shard.keeper.step = working  # type: ignore[method-assign]
                raise RuntimeError

            shard.keeper.step = failing  # type: ignore[method-assign]
            await shard.run(1.0)
            assert len(seconds) >= 1
            shard.keeper.stop()

    run_virtually(monkeypatch, main())


def test_rate_that_was_cut_grows_again_in_a_shard_with_little_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(shard: Shard) -> None:
        sit(shard.relay, 100)
        await shard.run(3.0, share=0.02)
        await shard.run(3.0, share=0.02, late=0.1)  # somebody else's doing, but it lasts
        cut = shard.keeper.credits.rate
        whole = shard.keeper.credits._most
        assert cut < 0.5 * whole
        await shard.run(5.0, share=0.02)
        assert shard.keeper.credits.rate == shard.keeper.credits._most

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

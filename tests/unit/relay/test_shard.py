"""A relay: seats, subscriptions and where frames go. Real sockets, virtual time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from prometheus_client import CollectorRegistry

from stentor.core.rtp.packet import RtpPacket, parse_rtp
from stentor.core.stage.program import ProgramFrame
from stentor.core.webrtc.notices import PeerClosed, PeerMoved
from stentor.core.webrtc.srtp import Opener
from stentor.net import clock
from stentor.net.fanout import PythonFanout
from stentor.relay.shard import RelayShard
from stentor.telemetry.metrics import Metrics
from support.memory_peer import EVENT, SHARD
from support.shells import connected, keys, open_shell, record_of
from support.virtual_loop import VirtualLoop, run_virtually


@dataclass
class Trunk:
    """Notes who is asked for, and when."""

    asked: list[tuple[float, bytes]] = field(default_factory=list)
    on_asked: list[object] = field(default_factory=list)

    def subscribe(self, event: bytes, *, now: float) -> None:
        self.asked.append((now, event))
        for action in self.on_asked:
            action()  # type: ignore[operator]


@contextlib.contextmanager
def relaying() -> Iterator[tuple[RelayShard, Trunk]]:
    with open_shell() as shell:
        trunk = Trunk()
        metrics = Metrics(CollectorRegistry())
        yield RelayShard(record_of("relay"), shell, PythonFanout(shell.send), trunk, metrics), trunk


@contextlib.contextmanager
def ears(count: int) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        socks = []
        for _ in range(count):
            sock = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            sock.settimeout(2.0)
            sock.bind(("127.0.0.1", 0))
            socks.append(sock)
        yield socks


def frame(number: int) -> ProgramFrame:
    return ProgramFrame(7000 + number, 960 * number, b"\xf8frame %d" % number, 960)


def heard(sock: socket.socket, number: int) -> RtpPacket:
    """The next RTP packet of listener `number`."""
    own = keys(number)
    return parse_rtp(Opener(own.profile, own.local_key, own.local_salt).open_rtp(sock.recv(2048)))


def test_a_frame_goes_to_the_listeners_of_its_event_alone(monkeypatch: pytest.MonkeyPatch):
    async def main() -> None:
        with relaying() as (relay, _), ears(3) as socks:
            for number, (sock, event) in enumerate(zip(socks, (EVENT, EVENT, b"another1"), strict=True)):
                relay.shell.on_notice(connected(sock.getsockname(), number=number, event=event))
            relay.frame(EVENT, frame(1), now=clock.monotonic())
            assert [heard(socks[n], n).payload for n in (0, 1)] == [frame(1).payload] * 2
            socks[2].setblocking(False)
            with pytest.raises(BlockingIOError):
                socks[2].recv(2048)
            assert (relay.listeners_of(EVENT), relay.listeners_of(b"another1")) == (2, 1)
            assert relay.heartbeat(now=5.0).listeners == 3

    run_virtually(monkeypatch, main())


def test_media_goes_where_a_listener_moved_and_nowhere_once_it_left(monkeypatch: pytest.MonkeyPatch):
    async def main() -> None:
        with relaying() as (relay, _), ears(2) as (before, after):
            notice = connected(before.getsockname(), number=1)
            session = notice.capsule.session
            relay.shell.on_notice(notice)
            relay.frame(EVENT, frame(1), now=clock.monotonic())
            relay.shell.on_notice(PeerMoved(session, after.getsockname(), "127.0.0.1"))
            relay.frame(EVENT, frame(2), now=clock.monotonic())
            relay.shell.on_notice(PeerClosed(session, "deleted", True))
            relay.shell.on_notice(PeerClosed(session, "deleted", True))
            relay.shell.on_notice(PeerMoved(session, before.getsockname(), None))
            relay.frame(EVENT, frame(3), now=clock.monotonic())
            first, second = heard(before, 1), heard(after, 1)
            assert second.sequence == first.sequence + 1
            for sock in (before, after):
                sock.setblocking(False)
                with pytest.raises(BlockingIOError):
                    sock.recv(2048)
            assert relay.listeners_of(EVENT) == 0

    run_virtually(monkeypatch, main())


def test_an_event_is_asked_for_at_once_then_every_second_while_somebody_listens(
    monkeypatch: pytest.MonkeyPatch,
):
    async def main() -> None:
        with relaying() as (relay, trunk), ears(1) as (sock,):
            relay.start()
            await asyncio.sleep(0.5)
            assert trunk.asked == []
            notice = connected(sock.getsockname())
            relay.shell.on_notice(notice)
            assert trunk.asked == [(clock.monotonic(), EVENT)]
            await asyncio.sleep(10.0)
            assert len(trunk.asked) == 11
            relay.shell.on_notice(PeerClosed(notice.capsule.session, "deleted", True))
            await asyncio.sleep(10.0)
            assert len(trunk.asked) == 11
            await relay.stop()

    run_virtually(monkeypatch, main())


def test_asking_goes_on_when_listeners_leave_because_of_it(monkeypatch: pytest.MonkeyPatch):
    async def main() -> None:
        with relaying() as (relay, trunk), ears(1) as (sock,):
            relay.start()
            notices = [
                connected(sock.getsockname(), number=number, event=event)
                for number, event in ((1, EVENT), (2, b"another1"))
            ]
            for notice in notices:
                relay.shell.on_notice(notice)
            closed = PeerClosed(notices[0].capsule.session, "event ended", True)
            trunk.on_asked.append(lambda: relay.shell.on_notice(closed))
            await asyncio.sleep(5.5)
            assert trunk.asked[-1][1] == b"another1"
            assert clock.monotonic() - trunk.asked[-1][0] < 1.0
            await relay.stop()

    run_virtually(monkeypatch, main())


def test_a_heartbeat_says_what_is_free_and_whether_it_drains(monkeypatch: pytest.MonkeyPatch):
    async def main() -> None:
        with relaying() as (relay, _):
            beat = relay.heartbeat(now=12.0)
            assert (beat.shard, beat.relay_time, beat.state) == (SHARD, 12.0, "ready")
            assert (beat.seats_free, beat.listeners) == (100, 0)
            relay.draining = True
            assert relay.heartbeat(now=12.0).state == "draining"

    run_virtually(monkeypatch, main())


def test_a_session_that_nobody_came_for_can_be_given_back_once(monkeypatch: pytest.MonkeyPatch):
    async def main() -> None:
        with relaying() as (relay, _):
            assert relay.end_session(b"session1")
            assert not relay.end_session(b"session1")
            loop = asyncio.get_running_loop()
            assert isinstance(loop, VirtualLoop)
            assert loop.failures == []

    run_virtually(monkeypatch, main())


def test_seats_are_held_back_for_the_listeners_of_a_shard_that_dies(monkeypatch: pytest.MonkeyPatch):
    async def main() -> None:
        with open_shell() as shell:
            others, metrics = [1], Metrics(CollectorRegistry())
            relay = RelayShard(
                record_of("relay"),
                shell,
                PythonFanout(shell.send),
                Trunk(),
                metrics,
                shards=lambda: others[0],
            )
            assert relay.heartbeat(now=0.0).seats_free == 100
            others[0] = 4
            beat = relay.heartbeat(now=0.0)
            assert (beat.seats_free, beat.seats_total) == (75, 100)

    run_virtually(monkeypatch, main())


def test_operator_has_the_last_word_on_the_length_of_packets(monkeypatch: pytest.MonkeyPatch):
    async def main() -> None:
        with relaying() as (relay, _):
            relay.follow_ladder(60)
            assert relay.ptime == 60
            relay.set_ptime(40)
            relay.follow_ladder(120)
            assert (relay.ptime, relay.heartbeat(now=0.0).ptime) == (40, 40)

    run_virtually(monkeypatch, main())


def test_redundancy_ends_from_60_ms_on(monkeypatch: pytest.MonkeyPatch):
    async def main() -> None:
        with relaying() as (relay, _), ears(1) as (sock,):
            relay.shell.on_notice(connected(sock.getsockname()))
            (seat,) = relay._seats.values()
            relay._fanout.set_red(seat.row, True)
            sent = 0

            def next_type() -> int:
                nonlocal sent
                sock.setblocking(False)
                while True:
                    sent += 1
                    relay.frame(EVENT, frame(sent), now=clock.monotonic())
                    with contextlib.suppress(BlockingIOError):
                        return heard(sock, 1).payload_type

            types = []
            for level in (20, 60, 40):
                relay.follow_ladder(level)
                next_type()
                types.append(next_type())
            assert types == [63, 111, 63]

    run_virtually(monkeypatch, main())


def test_listeners_come_newest_first(monkeypatch: pytest.MonkeyPatch):
    async def main() -> None:
        with relaying() as (relay, _):
            monkeypatch.setattr(clock, "wall", clock.monotonic)
            for number in (1, 2, 3):
                relay.shell.on_notice(connected(("127.0.0.1", 9), number=number))
                await asyncio.sleep(1.0)
            newest = list(relay.newest())
            assert [session[-1] for _, session in newest] == [3, 2, 1]
            assert newest[0][0] - newest[2][0] == pytest.approx(2.0)

    run_virtually(monkeypatch, main())


def test_work_of_the_python_fan_out_is_counted(monkeypatch: pytest.MonkeyPatch):
    async def main() -> None:
        with relaying() as (relay, _), ears(1) as (sock,):
            relay.shell.on_notice(connected(sock.getsockname()))
            relay.frame(EVENT, frame(1), now=clock.monotonic() - 0.03)
            load = relay.media_load()
            assert load.packets == 1 and load.cpu > 0 and Counter(load.lateness) == Counter({0.04: 1})

    run_virtually(monkeypatch, main())

"""Ingest: publishers' packets to the stage, reports back to them, and nothing they send breaks it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stentor.core.rtp.packet import rtp_header
from stentor.core.rtp.red import build_red
from stentor.core.rtp.rtcp import Bye, ReceiverReport, SenderReport, middle_ntp, parse_rtcp, serialize_rtcp
from stentor.core.webrtc.capsule import PeerKind
from stentor.core.webrtc.notices import PeerClosed, PeerMoved, RtcpReceived, RtpReceived
from stentor.core.webrtc.srtp import Opener
from stentor.ingest.ingest import Ingest
from support.memory_peer import EVENT
from support.shells import connected, keys, open_shell, record_of
from support.virtual_loop import VirtualLoop, run_virtually

OPUS, RED, SSRC = 111, 63, 4242
VOICE = b"\xf8voice"


@dataclass
class Stage:
    """Notes what ingest says."""

    sources: list[tuple[str, bytes]] = field(default_factory=list)
    packets: list[tuple[int, int, bytes]] = field(default_factory=list)

    def open_source(self, event: bytes, source: bytes, *, now: float) -> None:
        assert event == EVENT
        self.sources.append(("open", source))

    def close_source(self, event: bytes, source: bytes, *, now: float) -> None:
        self.sources.append(("close", source))

    def receive(
        self, event: bytes, source: bytes, sequence: int, timestamp: int, payload: bytes, *, now: float
    ) -> None:
        self.packets.append((sequence, timestamp, payload))


class Studio:
    """A connected publisher on a real socket, and the ingest it is connected to."""

    def __init__(self, ingest: Ingest, stage: Stage, sock: socket.socket) -> None:
        self.ingest, self.stage, self.sock = ingest, stage, sock
        self.session = self.connect(1)

    def connect(self, number: int) -> bytes:
        notice = connected(self.sock.getsockname(), number=number, kind=PeerKind.PUBLISHER)
        self.ingest.shell.on_notice(notice)
        return notice.capsule.session

    def rtp(self, sequence: int, timestamp: int, payload: bytes, *, kind: int = OPUS) -> None:
        packet = rtp_header(kind, sequence, timestamp, SSRC) + payload
        self.ingest.shell.on_notice(RtpReceived(self.session, packet))

    def rtcp(self, *packets: object) -> None:
        self.ingest.shell.on_notice(RtcpReceived(self.session, serialize_rtcp(packets)))

    def report(self) -> ReceiverReport:
        """The next report that arrives."""
        own = keys(1)
        plain = Opener(own.profile, own.local_key, own.local_salt).open_rtcp(self.sock.recv(2048))
        return next(packet for packet in parse_rtcp(plain) if isinstance(packet, ReceiverReport))


@contextlib.contextmanager
def studio() -> Iterator[Studio]:
    with open_shell() as shell, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(2.0)
        sock.bind(("127.0.0.1", 0))
        stage = Stage()
        yield Studio(Ingest(record_of("ingest"), shell, stage), stage, sock)


def test_a_publisher_is_the_source_from_connecting_to_closing(monkeypatch: pytest.MonkeyPatch):
    async def main() -> None:
        with studio() as host:
            second = host.connect(2)
            host.ingest.shell.on_notice(PeerClosed(host.session, "replaced", True))
            host.ingest.shell.on_notice(PeerClosed(host.session, "replaced", True))
            host.rtp(1, 960, VOICE)  # of one who has gone
            assert host.stage.sources == [("open", host.session), ("open", second), ("close", host.session)]
            assert host.stage.packets == []

    run_virtually(monkeypatch, main())


def test_opus_passes_with_its_numbers_and_empty_or_foreign_packets_do_not(monkeypatch: pytest.MonkeyPatch):
    async def main() -> None:
        with studio() as host:
            host.rtp(65535, 2**32 - 960, VOICE)
            host.rtp(0, 0, b"")
            host.rtp(1, 960, VOICE, kind=0)
            assert host.stage.packets == [(65535, 2**32 - 960, VOICE)]

    run_virtually(monkeypatch, main())


def test_frames_inside_red_have_the_numbers_they_had_on_their_own(monkeypatch: pytest.MonkeyPatch):
    async def main() -> None:
        with studio() as host:
            body = build_red(OPUS, VOICE, [(1920, b"\xf8older"), (960, b"\xf8old")])
            host.rtp(1, 960, body, kind=RED)
            assert host.stage.packets == [
                (65535, 2**32 - 960, b"\xf8older"),
                (0, 0, b"\xf8old"),
                (1, 960, VOICE),
            ]

    run_virtually(monkeypatch, main())


def test_a_report_goes_out_every_second_from_the_first_to_where_the_publisher_is(
    monkeypatch: pytest.MonkeyPatch,
):
    async def main() -> None:
        with studio() as host, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
            elsewhere.bind(("127.0.0.1", 0))
            elsewhere.settimeout(2.0)
            host.ingest.start()
            await asyncio.sleep(1.5)
            assert host.report().reports == ()
            for number in (0, 1, 3):
                host.rtp(number, 960 * number, VOICE)
            host.rtcp(SenderReport(SSRC, 0x123456789ABCDEF0, 0, 0, 0))
            await asyncio.sleep(1.0)
            (block,) = host.report().reports
            assert (block.ssrc, block.packets_lost, block.lsr) == (SSRC, 1, middle_ntp(0x123456789ABCDEF0))
            host.ingest.shell.on_notice(PeerMoved(host.session, elsewhere.getsockname(), "127.0.0.1"))
            host.sock = elsewhere
            await asyncio.sleep(1.0)
            assert host.report().reports
            await host.ingest.stop()

    run_virtually(monkeypatch, main())


def test_goodbye_of_the_voice_ends_the_session_and_of_another_stream_does_not(
    monkeypatch: pytest.MonkeyPatch,
):
    async def main() -> None:
        with studio() as host:
            host.rtp(1, 960, VOICE)
            host.rtcp(Bye((SSRC + 1,)))
            assert host.ingest.end_session(host.session)  # it was still there
            second = host.connect(2)
            host.session = second
            host.rtp(1, 960, VOICE)
            host.rtcp(Bye((SSRC,)))
            assert not host.ingest.end_session(second)

    run_virtually(monkeypatch, main())


hostile = st.one_of(
    st.binary(max_size=120),
    st.tuples(
        st.sampled_from([OPUS, RED, 0]),
        st.integers(0, 65535),
        st.integers(0, 2**32 - 1),
        st.integers(0, 2**32 - 1),
        st.binary(max_size=60),
    ).map(lambda fields: rtp_header(*fields[:4]) + fields[4]),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(hostile, st.floats(0, 5000)), max_size=15))
def test_nothing_an_authenticated_publisher_sends_stops_the_reports(
    monkeypatch: pytest.MonkeyPatch, datagrams: list[tuple[bytes, float]]
):
    async def main() -> None:
        with studio() as host:
            host.ingest.start()
            for data, wait in datagrams:
                host.ingest.shell.on_notice(RtpReceived(host.session, data))
                host.ingest.shell.on_notice(RtcpReceived(host.session, data))
                await asyncio.sleep(wait / 1000)
            host.sock.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    host.sock.recv(2048)
            host.sock.settimeout(2.0)
            host.connect(1)
            await asyncio.sleep(1.1)
            assert host.report()
            await host.ingest.stop()
            loop = asyncio.get_running_loop()
            assert isinstance(loop, VirtualLoop)
            assert loop.failures == []

    run_virtually(monkeypatch, main())

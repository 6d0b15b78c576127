"""Ingest, stage and relay behind a real UDP port, with clients that speak real ICE, DTLS and SRTP."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry

from stentor.app.media_plane import MediaPlane, build_media_plane
from stentor.core.ids import event_key
from stentor.core.links import ShardRecord
from stentor.core.opus.toc import SILENCE_20MS
from stentor.core.outputs import Transmit
from stentor.core.rtp.packet import RtpPacket, parse_rtp, rtp_header
from stentor.core.rtp.red import build_red
from stentor.core.rtp.rtcp import ReceiverReport, SenderReport, parse_rtcp
from stentor.core.webrtc.capsule import PeerKind
from stentor.core.webrtc.demux import Kind, classify
from stentor.core.webrtc.dtls import DtlsState
from stentor.net import clock
from stentor.telemetry.metrics import Metrics
from support.memory_peer import MemoryPeer
from support.waiting import until

EVENT = event_key("integration")
OPUS, RED = 111, 63


class Client:
    """A `MemoryPeer` on a real socket."""

    def __init__(self, record: ShardRecord, kind: PeerKind, *, ticket: bytes | None = None) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        self.sock.bind(("127.0.0.1", 0))
        self.server = record.candidates[0]
        self.peer = MemoryPeer(
            self.sock.getsockname(),
            kind=kind,
            event=EVENT,
            ticket=ticket,
            secret=record.secret,
            shard=record.shard,
            key_id=record.key_id,
            expires_at=clock.monotonic() + 5.0,
        )
        self.packets: list[RtpPacket] = []
        self.reports: list[object] = []
        self._task = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        opener = None
        while True:
            data = await loop.sock_recv(self.sock, 2048)
            kind = classify(data)
            if kind in (Kind.STUN, Kind.DTLS):
                self.peer.take(Transmit(data, self.peer.address), now=clock.monotonic())
                await self._flush()
                continue
            opener = opener or self.peer.opener()
            if kind is Kind.RTP:
                self.packets.append(parse_rtp(opener.open_rtp(data)))
            else:
                self.reports += parse_rtcp(opener.open_rtcp(data))

    async def _flush(self) -> None:
        for datagram in self.peer.dtls.take_outgoing():
            self.send(datagram)

    def send(self, data: bytes) -> None:
        self.sock.sendto(data, self.server)

    async def connect(self) -> None:
        self.send(self.peer.binding())
        await until(lambda: self.peer.stun_answers)
        self.peer.dtls.start(now=clock.monotonic())
        await self._flush()
        await until(lambda: self.peer.dtls.state is DtlsState.CONNECTED)

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self.sock.close()


@pytest.fixture
async def heard() -> list[bytes]:
    return []


@pytest.fixture(params=["python", "native"])
async def plane(heard: list[bytes], request: pytest.FixtureRequest) -> AsyncIterator[MediaPlane]:
    media = build_media_plane(
        ("127.0.0.1", 0),
        public_ips=(),
        max_seats=3,
        metrics=Metrics(CollectorRegistry()),
        on_heard=heard.append,
        media=request.param,
    )
    media.start()
    yield media
    await media.stop()


@contextlib.asynccontextmanager
async def connected(record: ShardRecord, kind: PeerKind, **options: object) -> AsyncIterator[Client]:
    client = Client(record, kind, **options)
    try:
        await client.connect()
        yield client
    finally:
        await client.close()


async def speak(publisher: Client, payloads: list[bytes], *, first: int = 500, red: bool = False) -> None:
    """Send payloads 20 ms apart, as a browser does; with `red`, each with the two before it."""
    sealer = publisher.peer.rtp_sealer()
    start = clock.monotonic()
    for number, payload in enumerate(payloads):
        sequence, timestamp = first + number, 960 * number
        if red:
            earlier = [(960 * back, payloads[number - back]) for back in (2, 1) if number >= back]
            body, payload_type = build_red(OPUS, payload, earlier), RED
        else:
            body, payload_type = payload, OPUS
        header = rtp_header(payload_type, sequence, timestamp, 4242)
        publisher.send(sealer.seal(header, body, sequence))
        await asyncio.sleep(max(0.0, start + 0.02 * (number + 1) - clock.monotonic()))


def opus(number: int) -> bytes:
    return b"\xf8voice %d" % number


def voices(client: Client) -> list[bytes]:
    return [packet.payload for packet in client.packets if packet.payload != SILENCE_20MS]


async def test_a_listener_hears_the_publisher_bit_for_bit(plane: MediaPlane, heard: list[bytes]):
    async with (
        connected(plane.relay.record, PeerKind.LISTENER) as listener,
        connected(plane.ingest.record, PeerKind.PUBLISHER) as publisher,
    ):
        await until(lambda: listener.packets)  # the silent program
        spoken = [opus(number) for number in range(60)]
        await speak(publisher, spoken)
        await until(lambda: len(voices(listener)) == 60)
        assert voices(listener) == spoken
        assert heard == [EVENT]
        sequences = [packet.sequence for packet in listener.packets]
        assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))


async def test_frames_lost_on_the_way_in_are_taken_from_red(plane: MediaPlane):
    async with (
        connected(plane.relay.record, PeerKind.LISTENER) as listener,
        connected(plane.ingest.record, PeerKind.PUBLISHER) as publisher,
    ):
        spoken = [opus(number) for number in range(50)]
        real_send = publisher.send
        count = 0

        def lossy(data: bytes) -> None:
            nonlocal count
            count += 1
            if count % 5:
                real_send(data)

        publisher.send = lossy  # type: ignore[method-assign]
        await speak(publisher, spoken, red=True)
        await until(lambda: opus(48) in voices(listener))
        assert voices(listener)[:49] == spoken[:49]


async def test_the_publisher_gets_a_receiver_report_every_second(plane: MediaPlane):
    async with connected(plane.ingest.record, PeerKind.PUBLISHER) as publisher:
        await speak(publisher, [opus(number) for number in range(60)])
        await until(lambda: any(isinstance(r, ReceiverReport) and r.reports for r in publisher.reports))
        report = next(r for r in publisher.reports if isinstance(r, ReceiverReport) and r.reports)
        assert report.reports[0].ssrc == 4242
        assert report.reports[0].packets_lost == 0


async def test_listeners_get_sender_reports_that_map_rtp_time_to_wall_time(plane: MediaPlane):
    async with connected(plane.relay.record, PeerKind.LISTENER) as listener:
        await until(lambda: any(isinstance(r, SenderReport) for r in listener.reports), within=7.0)
        report = next(r for r in listener.reports if isinstance(r, SenderReport))
        assert abs((report.ntp >> 32) - 2_208_988_800 - clock.wall()) < 2


async def test_a_second_publisher_takes_over_and_the_sequence_goes_on(plane: MediaPlane):
    ticket = b"the-host"
    async with (
        connected(plane.relay.record, PeerKind.LISTENER) as listener,
        connected(plane.ingest.record, PeerKind.PUBLISHER, ticket=ticket) as first,
    ):
        await speak(first, [opus(number) for number in range(20)])
        async with connected(plane.ingest.record, PeerKind.PUBLISHER, ticket=ticket) as second:
            await until(lambda: first.peer.dtls.state is DtlsState.CLOSED)
            late = asyncio.create_task(speak(first, [b"\xf8late"] * 20, first=520))
            await speak(second, [opus(number) for number in range(100, 130)], first=60_000)
            await late
            await until(lambda: opus(129) in voices(listener))
        assert b"\xf8late" not in voices(listener)
        sequences = [packet.sequence for packet in listener.packets]
        assert all(0 < b - a < 100 for a, b in itertools.pairwise(sequences))


async def test_one_ticket_has_one_seat(plane: MediaPlane):
    ticket = b"ticket-7"
    async with (
        connected(plane.relay.record, PeerKind.LISTENER, ticket=ticket) as first,
        connected(plane.relay.record, PeerKind.LISTENER, ticket=ticket) as second,
    ):
        await until(lambda: first.peer.dtls.state is DtlsState.CLOSED)
        await until(lambda: second.packets)
        assert plane.relay.listeners_of(EVENT) == 1


async def test_the_house_is_never_oversold(plane: MediaPlane):
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(connected(plane.relay.record, PeerKind.LISTENER))
        fourth = Client(plane.relay.record, PeerKind.LISTENER)
        stack.push_async_callback(fourth.close)
        fourth.send(fourth.peer.binding())
        await until(lambda: plane.relay.table.dropped["no seat"])
        assert plane.relay.listeners_of(EVENT) == 3
        assert plane.relay.heartbeat(now=0.0).seats_free == 0


async def test_ending_the_event_closes_everybody(plane: MediaPlane):
    async with (
        connected(plane.relay.record, PeerKind.LISTENER) as listener,
        connected(plane.ingest.record, PeerKind.PUBLISHER) as publisher,
    ):
        for role in (plane.ingest, plane.stage, plane.relay):
            role.end_event(EVENT)
        await until(lambda: listener.peer.dtls.state is DtlsState.CLOSED)
        await until(lambda: publisher.peer.dtls.state is DtlsState.CLOSED)
        assert plane.relay.listeners_of(EVENT) == 0


async def test_a_listener_cannot_take_the_address_of_a_publisher(plane: MediaPlane):
    record = plane.relay.record
    async with connected(plane.ingest.record, PeerKind.PUBLISHER) as publisher:
        thief = MemoryPeer(
            publisher.sock.getsockname(),
            secret=record.secret,
            shard=record.shard,
            key_id=record.key_id,
            expires_at=clock.monotonic() + 5.0,
        )
        publisher.send(thief.binding())  # as a spoofed source would look
        await until(lambda: plane.relay.table.dropped["address of another"])
        await speak(publisher, [opus(number) for number in range(5)])
        await until(lambda: plane.stage.host_state(EVENT, now=clock.monotonic()) == "present")
        assert plane.relay.table.peers == 0


async def test_datagrams_that_are_nobodys_are_counted(plane: MediaPlane):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for data in (b"", b"x", bytes(100), b"\x16\xfe\xfd" + bytes(40), b"\x80" * 60):
            sock.sendto(data, plane.base.endpoint.address)
    native = plane.base.native
    counts = (lambda: plane.base.router.dropped) if native is None else (lambda: native.dropped)
    await until(lambda: counts().total() >= 5)

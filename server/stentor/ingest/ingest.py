"""The ingest role: publishers' sessions on one side, their Opus packets to the stage on the other."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from stentor.core.errors import RemoteError
from stentor.core.ids import ssrc_of_key
from stentor.core.links import Heartbeat, ShardRecord, SourceSink
from stentor.core.opus.toc import packet_duration
from stentor.core.outputs import Address
from stentor.core.rtp.packet import RtpPacket, parse_rtp
from stentor.core.rtp.reception import ReceptionStats
from stentor.core.rtp.red import parse_red
from stentor.core.rtp.rtcp import (
    Bye,
    ReceiverReport,
    SenderReport,
    SourceDescription,
    parse_rtcp,
    serialize_rtcp,
)
from stentor.core.webrtc.capsule import Capsule
from stentor.core.webrtc.notices import (
    Notice,
    PeerClosed,
    PeerConnected,
    PeerMoved,
    RtcpReceived,
    RtpReceived,
)
from stentor.core.webrtc.srtp import RtcpSealer
from stentor.net import clock
from stentor.net.rounds import sleep_to_round
from stentor.net.table_shell import TableShell

REPORT_EVERY = 1.0  # seconds between receiver reports: a studio notices a dead server by their absence
CNAME = "stentor"


@dataclass(slots=True)
class _Publisher:
    """A connected publisher."""

    capsule: Capsule
    rtcp: RtcpSealer
    address: Address
    source: str | None
    media_ssrc: int | None = None
    reception: ReceptionStats | None = None


class Ingest:
    """Takes publishers in; the newest of an event replaces the one before (they share a ticket id)."""

    def __init__(self, record: ShardRecord, shell: TableShell, stage: SourceSink) -> None:
        self.record = record
        self.shell = shell
        self.draining = False
        self._stage = stage
        self._publishers: dict[bytes, _Publisher] = {}
        self._reporter: asyncio.Task[None] | None = None
        self._empty = asyncio.Event()
        self._empty.set()
        shell.on_notice = self._on_notice

    def start(self) -> None:
        """Begin to send receiver reports."""
        self._reporter = asyncio.get_running_loop().create_task(self._report_forever())

    async def stop(self) -> None:
        """Close every publisher's session."""
        if self._reporter is not None:
            self._reporter.cancel()
            await asyncio.gather(self._reporter, return_exceptions=True)
        for session in list(self._publishers):
            self.shell.end(session, "event ended")

    async def emptied(self) -> None:
        """Wait until no publisher is left."""
        await self._empty.wait()

    def heartbeat(self, *, now: float) -> Heartbeat:
        """What gateways need to know of this port."""
        return Heartbeat(
            shard=self.record.shard,
            relay_time=now,
            state="draining" if self.draining else "ready",
            seats_free=self.shell.table.seats_free,
            listeners=0,
        )

    def end_session(self, session: bytes) -> bool:
        """End one session (WHIP DELETE)."""
        return self.shell.end(session, "deleted")

    def end_event(self, event: bytes) -> None:
        """Close the event's publisher."""
        self.shell.end_event(event, "event ended")

    # -- notices ------------------------------------------------------------------------------------------

    def _on_notice(self, notice: Notice) -> None:
        now = clock.monotonic()
        if isinstance(notice, PeerConnected):
            self._connected(notice, now)
            return
        publisher = self._publishers.get(notice.session)
        if publisher is None:
            return
        if isinstance(notice, RtpReceived):
            self._receive_rtp(publisher, notice.data, now)
        elif isinstance(notice, RtcpReceived):
            self._receive_rtcp(publisher, notice.data, now)
        elif isinstance(notice, PeerMoved):
            publisher.address, publisher.source = notice.address, notice.source
        elif isinstance(notice, PeerClosed):
            self._gone(notice.session, now)

    def _connected(self, notice: PeerConnected, now: float) -> None:
        capsule, keys = notice.capsule, notice.keys
        sealer = RtcpSealer(keys.profile, keys.local_key, keys.local_salt)
        self._publishers[capsule.session] = _Publisher(capsule, sealer, notice.address, notice.source)
        self._empty.clear()
        self._stage.open_source(capsule.event, capsule.session, now=now)

    def _gone(self, session: bytes, now: float) -> None:
        publisher = self._publishers.pop(session, None)
        if publisher is not None:
            self._stage.close_source(publisher.capsule.event, session, now=now)
        if not self._publishers:
            self._empty.set()

    # -- media --------------------------------------------------------------------------------------------

    def _receive_rtp(self, publisher: _Publisher, data: bytes, now: float) -> None:
        try:
            packet = parse_rtp(data)
            frames = self._opus_frames(publisher.capsule, packet)
        except RemoteError:
            self.shell.table.dropped["malformed rtp"] += 1
            return
        if publisher.reception is None or publisher.media_ssrc != packet.ssrc:
            publisher.media_ssrc = packet.ssrc
            publisher.reception = ReceptionStats(packet.ssrc)
        publisher.reception.receive(packet, now)
        capsule = publisher.capsule
        for sequence, timestamp, payload in frames:
            self._stage.receive(capsule.event, capsule.session, sequence, timestamp, payload, now=now)

    def _opus_frames(self, capsule: Capsule, packet: RtpPacket) -> list[tuple[int, int, bytes]]:
        """The Opus packets inside, oldest first, each with the sequence and timestamp it had on its own."""
        if packet.payload_type == capsule.opus_pt:
            return [(packet.sequence, packet.timestamp, packet.payload)] if packet.payload else []
        if packet.payload_type != capsule.red_pt:
            return []
        blocks = parse_red(packet.payload)
        step = packet_duration(blocks[-1].payload)  # how far apart packets are, to number the redundant ones
        return [
            (
                (packet.sequence - round(block.timestamp_offset / step)) & 0xFFFF,
                (packet.timestamp - block.timestamp_offset) & 0xFFFFFFFF,
                block.payload,
            )
            for block in blocks
            if block.payload and block.payload_type == capsule.opus_pt
        ]

    def _receive_rtcp(self, publisher: _Publisher, data: bytes, now: float) -> None:
        try:
            packets = parse_rtcp(data)
        except RemoteError:
            self.shell.table.dropped["malformed rtcp"] += 1
            return
        for packet in packets:
            if isinstance(packet, SenderReport) and publisher.reception is not None:
                publisher.reception.note_sender_report(packet.ntp, now)
            elif isinstance(packet, Bye) and publisher.media_ssrc in (None, *packet.ssrcs):
                self.shell.end(publisher.capsule.session, "close_notify")
                return

    async def _report_forever(self) -> None:
        while True:
            await sleep_to_round(REPORT_EVERY)
            now = clock.monotonic()
            for publisher in self._publishers.values():
                self._report(publisher, now)

    def _report(self, publisher: _Publisher, now: float) -> None:
        ssrc = ssrc_of_key(publisher.capsule.event)
        blocks = () if publisher.reception is None else (publisher.reception.report(now),)
        compound = serialize_rtcp([ReceiverReport(ssrc, blocks), SourceDescription(ssrc, CNAME)])
        self.shell.send(publisher.rtcp.seal(compound), publisher.address, publisher.source)

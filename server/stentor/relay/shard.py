"""One shard: seats listeners and sends them the program."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from dataclasses import dataclass

from stentor.core.ids import ssrc_of_key
from stentor.core.links import Heartbeat, ShardRecord, Trunk
from stentor.core.rtp.loss_watch import LossWatch
from stentor.core.rtp.rtcp import ReceiverReport, RtcpError, parse_rtcp, to_ntp
from stentor.core.stage.program import ProgramFrame
from stentor.core.webrtc.capsule import CAPSULE_LIFETIME
from stentor.core.webrtc.notices import Notice, PeerClosed, PeerConnected, PeerMoved, RtcpReceived
from stentor.core.webrtc.peer_table import PeerTable
from stentor.net import clock
from stentor.net.fanout import Fanout, ListenerSpec
from stentor.net.table_shell import TableShell
from stentor.telemetry.metrics import Metrics

SUBSCRIBE_EVERY = 1.0  # seconds; the stage forgets a relay after five
MAX_FIRST_SEQUENCE = 1 << 15


@dataclass(slots=True)
class _Seat:
    """A connected listener."""

    row: int
    event: bytes
    ssrc: int
    loss: LossWatch | None
    """Of a listener whose offer had RED, where its reports come to us."""


class RelayShard:
    """The relay role over one session table and one fan-out."""

    def __init__(
        self, record: ShardRecord, shell: TableShell, fanout: Fanout, trunk: Trunk, metrics: Metrics
    ) -> None:
        self.record = record
        self.shell = shell
        self.draining = False
        self.ptime = 20
        """Milliseconds of audio in a packet now."""
        self._fanout = fanout
        self._trunk = trunk
        self._metrics = metrics
        self._seats: dict[bytes, _Seat] = {}
        self._listening: Counter[bytes] = Counter()
        self._subscriber: asyncio.Task[None] | None = None
        shell.on_notice = self._on_notice

    @property
    def table(self) -> PeerTable:
        """The session table."""
        return self.shell.table

    def start(self) -> None:
        """Begin to subscribe for the events that are listened to."""
        self._subscriber = asyncio.get_running_loop().create_task(self._subscribe_forever())

    async def stop(self) -> None:
        """Close every session with close_notify."""
        if self._subscriber is not None:
            self._subscriber.cancel()
            await asyncio.gather(self._subscriber, return_exceptions=True)
        for event in list(self._listening):
            self.end_event(event)

    def set_ptime(self, milliseconds: int, *, hold: bool = False) -> None:
        """Merge frames to packets of 20, 40, 60 or 120 ms from the next one on; see `Fanout.set_ptime`."""
        self.ptime = milliseconds
        self._fanout.set_ptime(milliseconds, hold=hold)

    def heartbeat(self, *, now: float) -> Heartbeat:
        """What gateways need to know of this shard."""
        return Heartbeat(
            shard=self.record.shard,
            relay_time=now,
            state="draining" if self.draining else "ready",
            seats_free=self.table.seats_free,
            listeners=len(self._seats),
        )

    def listeners_of(self, event: bytes) -> int:
        """How many are connected to the event here."""
        return self._listening[event]

    def end_session(self, session: bytes) -> bool:
        """End one session (WHEP DELETE)."""
        return self.shell.end(session, "deleted")

    def end_event(self, event: bytes) -> None:
        """Close all sessions of an event."""
        self.shell.end_event(event, "event ended")

    def frame(self, event: bytes, frame: ProgramFrame, *, now: float) -> None:
        """`FrameSink`: send one program frame to the event's listeners; `now` is when it was due."""
        report = self._fanout.send_frame(event, frame, ntp=to_ntp(clock.wall()))
        if report.sent or report.dropped:
            self._metrics.rtp_packets_sent.inc(report.sent)
            self._metrics.fanout_lag.observe(max(0.0, clock.monotonic() - now))
        if report.dropped:
            self._metrics.dropped("socket", report.dropped)

    # -- inside -------------------------------------------------------------------------------------------

    def _on_notice(self, notice: Notice) -> None:
        if isinstance(notice, PeerConnected):
            self._seat(notice)
        elif isinstance(notice, PeerMoved):
            seat = self._seats.get(notice.session)
            if seat is not None:
                self._fanout.set_address(seat.row, notice.address, notice.source)
        elif isinstance(notice, RtcpReceived):
            self._take_report(notice)
        elif isinstance(notice, PeerClosed):
            if not notice.was_connected:
                self._metrics.step("failed")
            self._unseat(notice.session)

    def _seat(self, notice: PeerConnected) -> None:
        capsule = notice.capsule
        spec = ListenerSpec(
            group=capsule.event,
            keys=notice.keys,
            payload_type=capsule.opus_pt,
            ssrc=ssrc_of_key(capsule.event),
            first_sequence=secrets.randbelow(MAX_FIRST_SEQUENCE),
            address=notice.address,
            source=notice.source,
            red_pt=capsule.red_pt,
            maxptime=capsule.maxptime,
            known=self.shell.hand_over(capsule.session) if self._fanout.keeps_sessions else None,
        )
        self._metrics.step("connected")
        self._metrics.dtls_handshake.observe(notice.handshake_seconds)
        waited = clock.monotonic() - (capsule.expires_at - CAPSULE_LIFETIME)
        self._metrics.join_seconds.labels(tier="webrtc").observe(waited)
        watched = capsule.red_pt is not None and spec.known is None
        loss = LossWatch() if watched else None
        seat = _Seat(self._fanout.add_listener(spec), capsule.event, spec.ssrc, loss)
        self._seats[capsule.session] = seat
        self._listening[capsule.event] += 1
        if self._listening[capsule.event] == 1:
            self._trunk.subscribe(capsule.event, now=clock.monotonic())

    def _take_report(self, notice: RtcpReceived) -> None:
        """Give redundancy to whoever loses packets on the way, and end it when that is over."""
        seat = self._seats.get(notice.session)
        if seat is None or seat.loss is None:
            return
        try:
            packets = parse_rtcp(notice.data)
        except RtcpError:
            return
        for packet in packets:
            for block in packet.reports if isinstance(packet, ReceiverReport) else ():
                if block.ssrc == seat.ssrc:
                    before = seat.loss.redundant
                    if seat.loss.report(block.fraction_lost, ours=False) is not before:
                        self._fanout.set_red(seat.row, not before)

    def _unseat(self, session: bytes) -> None:
        seat = self._seats.pop(session, None)
        if seat is None:
            return
        self._fanout.remove_listener(seat.row)
        self._listening[seat.event] -= 1
        if not self._listening[seat.event]:
            del self._listening[seat.event]

    async def _subscribe_forever(self) -> None:
        while True:
            now = clock.monotonic()
            for event in list(self._listening):
                self._trunk.subscribe(event, now=now)
            await asyncio.sleep(SUBSCRIBE_EVERY)

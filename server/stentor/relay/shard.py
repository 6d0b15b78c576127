"""One shard: seats listeners and sends them the program."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stentor.core.admission.ladder import RED_BELOW
from stentor.core.admission.seats import free_seats
from stentor.core.ids import ssrc_of_key
from stentor.core.links import EventRow, Heartbeat, ShardRecord, ShardState, Shed, Trunk
from stentor.core.rtp.loss_watch import LossWatch
from stentor.core.rtp.rtcp import ReceiverReport, RtcpError, parse_rtcp, to_ntp
from stentor.core.stage.program import ProgramFrame
from stentor.core.webrtc.capsule import CAPSULE_LIFETIME
from stentor.core.webrtc.notices import Notice, PeerClosed, PeerConnected, PeerMoved, RtcpReceived
from stentor.core.webrtc.peer_table import PeerTable
from stentor.net import clock
from stentor.net.fanout import Fanout, ListenerSpec
from stentor.net.media_load import MediaLoad
from stentor.net.rounds import sleep_to_round
from stentor.net.table_shell import TableShell
from stentor.relay.regulars import Regulars
from stentor.relay.twin_load import TwinLoad
from stentor.telemetry.metrics import Metrics

SUBSCRIBE_EVERY = 1.0  # seconds; the stage forgets a relay after five
RESUME_TIME = 600.0  # seconds, as shipped in `Laws`
MAX_FIRST_SEQUENCE = 1 << 15


@dataclass(slots=True)
class _Seat:
    """A connected listener."""

    row: int
    event: bytes
    ticket: bytes
    seated_at: float
    """Unix seconds: the page counts its own in them too."""
    ssrc: int
    loss: LossWatch | None
    """Of a listener whose offer had RED, where its reports come to us."""


class RelayShard:
    """The relay role over one session table and one fan-out."""

    def __init__(
        self,
        record: ShardRecord,
        shell: TableShell,
        fanout: Fanout,
        trunk: Trunk,
        metrics: Metrics,
        *,
        shards: Callable[[], int] = lambda: 1,
        hold: bool = False,
        resume_time: float = RESUME_TIME,
    ) -> None:
        """`shards`: how many relays there are, for the seats kept free; `hold`: see `Fanout.set_ptime`.

        `resume_time`: seconds that somebody who left counts as coming back.
        """
        self.record = record
        self.shell = shell
        self.draining = False
        self.braking = False
        """Nobody new may join: too much load. Whoever returns may."""
        self.credits: float | None = None
        """Joins a second that gateways may send; None: no limit."""
        self.waiting: Callable[[], int] = lambda: 0
        """First contacts that have come and wait for a credit: their seats are as good as taken."""
        self.shed: Shed | None = None
        """Listeners who are asked to move."""
        self.ptime = 20
        """Milliseconds of audio in a packet now."""
        self.pinned = False
        """Whether ptime was set by an operator and stays."""
        self.on_ended: Callable[[], None] = lambda: None
        """Called when a handshake has ended, well or not."""
        self.regulars = Regulars(resume_time)
        """Whose tickets count as returning."""
        self._hold = self._own_hold = hold
        self._shards = shards
        self._load = TwinLoad()
        self._fanout = fanout
        self._trunk = trunk
        self._metrics = metrics
        self._seats: dict[bytes, _Seat] = {}
        self._listening: Counter[bytes] = Counter()
        self._subscriber: asyncio.Task[None] | None = None
        self._empty = asyncio.Event()
        self._empty.set()
        shell.on_notice = self._on_notice
        if hold:
            fanout.set_ptime(self.ptime, hold=True)

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

    def set_ptime(self, milliseconds: int | None, *, hold: bool | None = None) -> None:
        """An operator wants packets of 20, 40, 60 or 120 ms from the next one on: the ladder has no say.

        None: it has again, from its next window on, and `hold` is what the shard began with.
        """
        self.pinned = milliseconds is not None
        if not self.pinned:
            hold = self._own_hold
        self._hold = self._hold if hold is None else hold
        self._merge_to(self.ptime if milliseconds is None else milliseconds)

    def follow_ladder(self, milliseconds: int) -> None:
        """The ladder's level; no effect while ptime is pinned."""
        if not self.pinned and milliseconds != self.ptime:
            self._merge_to(milliseconds)

    def newest(self) -> Iterator[tuple[float, bytes]]:
        """(seated at in Unix seconds, session) of each listener, the newest first."""
        return ((seat.seated_at, session) for session, seat in reversed(self._seats.items()))

    def media_load(self) -> MediaLoad:
        """What the Python fan-out took; one with a thread of its own has other counters."""
        return self._load.total()

    def heartbeat(self, *, now: float) -> Heartbeat:
        """What gateways need to know of this shard."""
        return Heartbeat(
            shard=self.record.shard,
            relay_time=now,
            state=self._state(),
            seats_free=free_seats(self.table.seats, self._shards(), self.table.peers + self.waiting()),
            listeners=len(self._seats),
            seats_total=self.table.seats,
            credits=self.credits,
            ptime=self.ptime,
            events=tuple(EventRow(event, count) for event, count in self._listening.items()),
            shed=self.shed,
        )

    def listeners_of(self, event: bytes) -> int:
        """How many are connected to the event here."""
        return self._listening[event]

    async def emptied(self) -> None:
        """Wait until no listener is left."""
        await self._empty.wait()

    def end_session(self, session: bytes) -> bool:
        """End one session (WHEP DELETE)."""
        return self.shell.end(session, "deleted")

    def end_event(self, event: bytes) -> None:
        """Close all sessions of an event."""
        self.shell.end_event(event, "event ended")

    def frame(self, event: bytes, frame: ProgramFrame, *, now: float) -> None:
        """`FrameSink`: send one program frame to the event's listeners; `now` is when it was due."""
        began = clock.thread_cpu()
        report = self._fanout.send_frame(event, frame, ntp=to_ntp(clock.wall()))
        if report.sent or report.dropped:
            late = max(0.0, clock.monotonic() - now)
            self._load.sent(report.sent, late=late, cpu=clock.thread_cpu() - began)
            self._metrics.rtp_packets_sent.inc(report.sent)
            self._metrics.fanout_lag.observe(late)
        if report.dropped:
            self._metrics.dropped("socket", report.dropped)

    # -- inside -------------------------------------------------------------------------------------------

    def _state(self) -> ShardState:
        if self.draining:
            return "draining"
        return "braking" if self.braking else "ready"

    def _merge_to(self, milliseconds: int) -> None:
        self.ptime = milliseconds
        self._fanout.allow_red(milliseconds < RED_BELOW)
        self._fanout.set_ptime(milliseconds, hold=self._hold)

    def _on_notice(self, notice: Notice) -> None:
        if isinstance(notice, PeerConnected):
            self._seat(notice)
            self.on_ended()
        elif isinstance(notice, PeerMoved):
            seat = self._seats.get(notice.session)
            if seat is not None:
                self._fanout.set_address(seat.row, notice.address, notice.source)
        elif isinstance(notice, RtcpReceived):
            self._take_report(notice)
        elif isinstance(notice, PeerClosed):
            if not notice.was_connected:
                self._metrics.step("failed")
                self.on_ended()
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
        row = self._fanout.add_listener(spec)
        seat = _Seat(row, capsule.event, capsule.ticket, clock.wall(), spec.ssrc, loss)
        self._seats[capsule.session] = seat
        self.regulars.seated((seat.event, seat.ticket))
        self._empty.clear()
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
        self.regulars.left((seat.event, seat.ticket), clock.monotonic())
        self._fanout.remove_listener(seat.row)
        if not self._seats:
            self._empty.set()
        self._listening[seat.event] -= 1
        if not self._listening[seat.event]:
            del self._listening[seat.event]

    async def _subscribe_forever(self) -> None:
        while True:
            now = clock.monotonic()
            for event in list(self._listening):
                self._trunk.subscribe(event, now=now)
            await sleep_to_round(SUBSCRIBE_EVERY)

"""The fan-out: one program frame in, one encrypted packet per listener out.

`Fanout` is the signature. `PythonFanout` is the readable twin of the native core: the reference for
what every packet must look like, and the oracle of its tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from typing import Protocol

from stentor.core.opus.elastic import effective_ptime
from stentor.core.opus.merged_packet import MergedPacket
from stentor.core.outputs import Address
from stentor.core.stage.program import ProgramFrame
from stentor.core.webrtc.handover import KnownSession
from stentor.core.webrtc.srtp import SrtpKeys
from stentor.net.lane import BURST, LANES, Lane, Row

LONGEST = 120  # ms: of an Opus packet (RFC 7587 section 6.1)

Send = Callable[[bytes, Address, str | None], bool]


@dataclass(frozen=True, slots=True)
class ListenerSpec:
    """What one row of the table needs to know."""

    group: bytes
    """Key of the event whose program it hears."""
    keys: SrtpKeys
    """From its DTLS handshake."""
    payload_type: int
    """Of Opus, as its offer numbered it."""
    ssrc: int
    """Of the program stream."""
    first_sequence: int
    """Below 2**15: a client that meets the stream late cannot guess its rollover counter wrong (RFC 3711)."""
    address: Address
    """Where it listens."""
    source: str | None
    """Our address it reached."""
    red_pt: int | None = None
    """Payload type of RED, or None when its offer had none."""
    maxptime: int = LONGEST
    """The longest packet it takes, ms."""
    known: KnownSession | None = None
    """For a fan-out that looks after its addresses itself."""


@dataclass(frozen=True, slots=True)
class SendReport:
    """What became of one frame."""

    sent: int
    """Packets handed to the kernel."""
    dropped: int
    """Packets it would not take."""


class Fanout(Protocol):
    """Listener table and sender of one shard."""

    keeps_sessions: bool
    """Whether it looks after addresses, consent and RTCP of its rows (`ListenerSpec.known`)."""

    def add_listener(self, spec: ListenerSpec) -> int:
        """Seat a listener; returns its row, valid until `remove_listener`."""

    def set_address(self, row: int, address: Address, source: str | None) -> None:
        """Its media goes elsewhere from now on."""

    def set_red(self, row: int, on: bool) -> None:
        """Send it earlier packets again with each one, or no longer. No effect if its offer had no RED."""

    def allow_red(self, allowed: bool) -> None:
        """Whether rows with redundancy get it now: it costs what a shard under load does not have."""

    def remove_listener(self, row: int) -> None:
        """Free the row."""

    def send_frame(self, group: bytes, frame: ProgramFrame, *, ntp: int) -> SendReport:
        """Send one frame to every listener of a group, and sender reports to those whose turn it is.

        `ntp` is the wall-clock time of the frame as 64-bit NTP time. A fan-out with a thread of its own
        returns before anything is sent, and reports nothing here: see its counters.
        """

    def advance(self, group: bytes, timestamp: int) -> SendReport:
        """No frame has come, and the program's clock shows `timestamp`: send what waits to be merged."""

    def set_ptime(self, ptime: int, *, hold: bool = False) -> None:
        """Put 20, 40, 60 or 120 ms into each packet from the next one on.

        `hold`: every packet leaves 100 ms after its first frame came, so that no change of ptime is heard.
        """


class _Group:
    """The listeners of one event."""

    def __init__(self) -> None:
        self.lanes: dict[tuple[int, int], Lane] = {}  # by class of maxptime and phase
        self.rows = 0
        self.newest: ProgramFrame | None = None
        self.ntp = 0

    def phase_for(self, longest: int) -> int:
        """The first one with room for a burst, else the least filled."""
        filled = [0] * LANES
        for (maxptime, phase), lane in self.lanes.items():
            if maxptime == longest:
                filled[phase] = len(lane.rows)
        least = min(range(LANES), key=filled.__getitem__)
        return next((phase for phase in range(LANES) if filled[phase] < BURST), least)

    def lanes_in_order(self) -> Iterable[Lane]:
        return [self.lanes[place] for place in sorted(self.lanes)]


class PythonFanout:
    """The twin: clear rather than fast."""

    keeps_sessions = False

    def __init__(self, send: Send) -> None:
        self._send = send
        self._groups: dict[bytes, _Group] = {}
        self._rows: dict[int, tuple[Row, bytes, tuple[int, int]]] = {}
        self._handles = count(1)
        self._ptime = 20
        self._hold = False
        self._red_allowed = True

    def add_listener(self, spec: ListenerSpec) -> int:
        """See `Fanout.add_listener`."""
        group = self._groups.setdefault(spec.group, _Group())
        longest = effective_ptime(LONGEST, spec.maxptime)
        place = (longest, group.phase_for(longest))
        if place not in group.lanes:
            group.lanes[place] = Lane(place[1], longest, self._ptime, hold=self._hold)
        row = Row(spec.keys, spec.payload_type, spec.red_pt, spec.ssrc)
        row.address, row.source = spec.address, spec.source
        group.lanes[place].add(row, spec.first_sequence)
        group.rows += 1
        handle = next(self._handles)
        self._rows[handle] = (row, spec.group, place)
        return handle

    def set_address(self, row: int, address: Address, source: str | None) -> None:
        """See `Fanout.set_address`."""
        self._rows[row][0].address = address
        self._rows[row][0].source = source

    def set_red(self, row: int, on: bool) -> None:
        """See `Fanout.set_red`."""
        self._rows[row][0].red = on and self._rows[row][0].red_pt is not None

    def allow_red(self, allowed: bool) -> None:
        """See `Fanout.allow_red`."""
        self._red_allowed = allowed

    def remove_listener(self, row: int) -> None:
        """See `Fanout.remove_listener`."""
        gone, key, place = self._rows.pop(row)
        group = self._groups[key]
        group.lanes[place].remove(gone)
        if not group.lanes[place].rows:
            del group.lanes[place]
        group.rows -= 1
        if not group.rows:
            del self._groups[key]

    def send_frame(self, group: bytes, frame: ProgramFrame, *, ntp: int) -> SendReport:
        """See `Fanout.send_frame`."""
        listeners = self._groups.get(group)
        if listeners is None:
            return SendReport(0, 0)
        if listeners.newest is not None and frame.sequence <= listeners.newest.sequence:
            return SendReport(0, 0)  # an SRTP index is never used twice
        listeners.newest, listeners.ntp = frame, ntp
        feed = (frame.sequence, frame.timestamp, frame.payload)
        return self._send_all(
            listeners, ((lane, lane.merger.feed(*feed)) for lane in listeners.lanes_in_order())
        )

    def advance(self, group: bytes, timestamp: int) -> SendReport:
        """See `Fanout.advance`."""
        listeners = self._groups.get(group)
        if listeners is None:
            return SendReport(0, 0)
        lanes = listeners.lanes_in_order()
        return self._send_all(listeners, ((lane, lane.merger.advance(timestamp)) for lane in lanes))

    def set_ptime(self, ptime: int, *, hold: bool = False) -> None:
        """See `Fanout.set_ptime`."""
        self._ptime, self._hold = ptime, hold
        for group in self._groups.values():
            for lane in group.lanes.values():
                lane.merger.set_target(ptime, hold=hold)

    def _send_all(self, group: _Group, leaving: Iterable[tuple[Lane, list[MergedPacket]]]) -> SendReport:
        sent = tried = 0
        for lane, packets in leaving:
            for packet in packets:
                sent += self._send_packet(group, lane, packet)
                tried += len(lane.rows)
        return SendReport(sent, tried - sent)

    def _send_packet(self, group: _Group, lane: Lane, packet: MergedPacket) -> int:
        number = lane.number(packet)
        variants = {
            row.payload_type: lane.history.build(row.payload_type, packet.timestamp, packet.payload)
            for row in lane.rows
            if row.red and self._red_allowed
        }
        lane.history.push(packet.timestamp, packet.payload)
        sent = 0
        for row in lane.rows:
            red = variants[row.payload_type] if row.red and self._red_allowed else None
            data = row.packet(number, packet.timestamp, packet.payload, red)
            sent += self._send(data, row.address, row.source)
        assert group.newest is not None  # nothing leaves before the first frame
        for row in lane.reports_due(group.newest.timestamp):
            self._send(row.report(group.newest.timestamp, group.ntp), row.address, row.source)
        return sent

"""The fan-out: one program frame in, one encrypted packet per listener out.

`Fanout` is the signature. `PythonFanout` is the readable twin of the native core: the reference for
what every packet must look like, and the oracle of its tests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from stentor.core.outputs import Address
from stentor.core.rtp.packet import rtp_header
from stentor.core.rtp.rtcp import SenderReport, SourceDescription, serialize_rtcp
from stentor.core.stage.program import ProgramFrame
from stentor.core.webrtc.srtp import RtcpSealer, RtpSealer, SrtpKeys

REPORT_EVERY = 250  # frames between two sender reports to one listener: 5 s at 20 ms (RFC 3550 section 6.2)
CNAME = "stentor"

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


@dataclass(frozen=True, slots=True)
class SendReport:
    """What became of one frame."""

    sent: int
    """Packets handed to the kernel."""
    dropped: int
    """Packets it would not take."""


class Fanout(Protocol):
    """Listener table and sender of one shard."""

    def add_listener(self, spec: ListenerSpec) -> int:
        """Seat a listener; returns its row, valid until `remove_listener`."""

    def set_address(self, row: int, address: Address, source: str | None) -> None:
        """Its media goes elsewhere from now on."""

    def remove_listener(self, row: int) -> None:
        """Free the row."""

    def send_frame(self, group: bytes, frame: ProgramFrame, *, ntp: int) -> SendReport:
        """Send one frame to every listener of a group, and sender reports to those whose turn it is.

        `ntp` is the wall-clock time of the frame as 64-bit NTP time.
        """


class _Row:
    """A listener in the table."""

    __slots__ = ("address", "base", "octets", "packets", "position", "rtcp", "rtp", "source", "spec")

    def __init__(self, spec: ListenerSpec, group_index: int, position: int) -> None:
        keys = spec.keys
        self.spec = spec
        self.address = spec.address
        self.source = spec.source
        self.base = spec.first_sequence - group_index  # SRTP index of a packet = base + the group's index
        self.position = position
        self.packets = 0
        self.octets = 0
        self.rtp = RtpSealer(keys.profile, keys.local_key, keys.local_salt)
        self.rtcp = RtcpSealer(keys.profile, keys.local_key, keys.local_salt)


class _Group:
    """The listeners of one event and how far its stream has come."""

    __slots__ = ("frames", "index", "last_sequence", "rows")

    def __init__(self) -> None:
        self.rows: list[_Row] = []
        self.index = 0
        self.frames = 0
        self.last_sequence: int | None = None

    def advance(self, sequence: int) -> bool:
        """Move to a frame's place; False when it is not ahead: an SRTP index is never used twice."""
        if self.last_sequence is not None:
            step = sequence - self.last_sequence
            if step <= 0:
                return False
            self.index += step  # a frame the host lost stays a gap, so that players conceal it
        self.last_sequence = sequence
        self.frames += 1
        return True


class PythonFanout:
    """The twin: clear rather than fast."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._groups: dict[bytes, _Group] = {}
        self._rows: dict[int, _Row] = {}
        self._next_row = 1

    def add_listener(self, spec: ListenerSpec) -> int:
        """See `Fanout.add_listener`."""
        group = self._groups.setdefault(spec.group, _Group())
        row = _Row(spec, group.index, len(group.rows))
        group.rows.append(row)
        handle = self._next_row
        self._next_row += 1
        self._rows[handle] = row
        return handle

    def set_address(self, row: int, address: Address, source: str | None) -> None:
        """See `Fanout.set_address`."""
        self._rows[row].address = address
        self._rows[row].source = source

    def remove_listener(self, row: int) -> None:
        """See `Fanout.remove_listener`."""
        gone = self._rows.pop(row)
        group = self._groups[gone.spec.group]
        last = group.rows.pop()
        if last is not gone:
            group.rows[gone.position] = last
            last.position = gone.position
        if not group.rows:
            del self._groups[gone.spec.group]

    def send_frame(self, group: bytes, frame: ProgramFrame, *, ntp: int) -> SendReport:
        """See `Fanout.send_frame`."""
        listeners = self._groups.get(group)
        if listeners is None or not listeners.advance(frame.sequence):
            return SendReport(0, 0)
        sent = 0
        payload, timestamp, index = frame.payload, frame.timestamp, listeners.index
        for row in listeners.rows:
            srtp_index = row.base + index
            header = rtp_header(row.spec.payload_type, srtp_index, timestamp, row.spec.ssrc)
            row.packets += 1
            row.octets += len(payload)
            sent += self._send(row.rtp.seal(header, payload, srtp_index), row.address, row.source)
        for row in listeners.rows[listeners.frames % REPORT_EVERY :: REPORT_EVERY]:
            self._send_report(row, timestamp, ntp)
        return SendReport(sent, len(listeners.rows) - sent)

    def _send_report(self, row: _Row, timestamp: int, ntp: int) -> None:
        report = SenderReport(
            row.spec.ssrc, ntp, timestamp & 0xFFFFFFFF, row.packets & 0xFFFFFFFF, row.octets & 0xFFFFFFFF
        )
        compound = serialize_rtcp([report, SourceDescription(row.spec.ssrc, CNAME)])
        self._send(row.rtcp.seal(compound), row.address, row.source)

"""A lane of the Python fan-out: the listeners of one event that share a phase and a class of maxptime.

A row keeps its lane for life, also when ptime changes; at p ms the lane's phase is its number modulo p / 20.
Phases are for a full house: a small one fills one lane after another.
"""

from __future__ import annotations

from collections.abc import Iterator

from stentor.core.opus.elastic import LANES, Merger
from stentor.core.opus.merged_packet import MergedPacket
from stentor.core.outputs import Address
from stentor.core.rtp.packet import rtp_header
from stentor.core.rtp.red_variant import RedHistory
from stentor.core.rtp.rtcp import SenderReport, SourceDescription, serialize_rtcp
from stentor.core.webrtc.srtp import RtcpSealer, RtpSealer, SrtpKeys

CNAME = "stentor"
BURST = 1000  # rows that fill a lane before the next one is begun
REPORT_SLOTS = 250  # ticks between two sender reports to one listener: 5 s (RFC 3550 section 6.2)
TICK = 960  # samples: 20 ms
MAX_LOST = 1000  # sequence numbers left out at a gap: beyond 20 s a player has given up

_LANE_STEP = 41  # slots between the reports of two lanes' first rows: 6 x 41 goes once round 250

__all__ = ["BURST", "LANES", "Lane", "Row"]


class Row:
    """A listener in the table."""

    __slots__ = (
        "address",
        "base",
        "lane",
        "octets",
        "packets",
        "payload_type",
        "position",
        "red",
        "red_pt",
        "rtcp",
        "rtp",
        "source",
        "ssrc",
    )

    def __init__(self, keys: SrtpKeys, payload_type: int, red_pt: int | None, ssrc: int) -> None:
        self.payload_type = payload_type
        self.red_pt = red_pt
        self.red = False
        self.ssrc = ssrc
        self.packets = 0
        self.octets = 0
        self.base = 0  # SRTP index of a packet = base + the lane's number of it
        self.position = 0
        self.lane: Lane
        self.address: Address
        self.source: str | None
        self.rtp = RtpSealer(keys.profile, keys.local_key, keys.local_salt)
        self.rtcp = RtcpSealer(keys.profile, keys.local_key, keys.local_salt)

    def packet(self, number: int, timestamp: int, payload: bytes, red: bytes | None) -> bytes:
        """The lane's packet under this listener's key; `red` is its redundant variant, if it gets that."""
        payload_type = self.payload_type
        if red is not None and self.red_pt is not None:
            payload, payload_type = red, self.red_pt
        index = self.base + number
        self.packets += 1
        self.octets += len(payload)
        return self.rtp.seal(rtp_header(payload_type, index, timestamp, self.ssrc), payload, index)

    def report(self, timestamp: int, ntp: int) -> bytes:
        """A sender report (RFC 3550 section 6.4.1)."""
        report = SenderReport(
            self.ssrc, ntp, timestamp & 0xFFFFFFFF, self.packets & 0xFFFFFFFF, self.octets & 0xFFFFFFFF
        )
        return self.rtcp.seal(serialize_rtcp([report, SourceDescription(self.ssrc, CNAME)]))


class Lane:
    """Rows, the merger that makes their packets, and how far they have come."""

    def __init__(self, phase: int, maxptime: int, ptime: int, *, hold: bool) -> None:
        self.rows: list[Row] = []
        self.merger = Merger(phase=phase, ptime=ptime, maxptime=maxptime, hold=hold)
        self.history = RedHistory()
        self._phase = phase
        self._next = 0
        self._slot: int | None = None

    def add(self, row: Row, first_sequence: int) -> None:
        """Seat a row: the next packet has `first_sequence`."""
        row.lane = self
        row.base = first_sequence - self._next
        row.position = len(self.rows)
        self.rows.append(row)

    def remove(self, row: Row) -> None:
        """The last row takes its place."""
        last = self.rows.pop()
        if last is not row:
            self.rows[row.position] = last
            last.position = row.position

    def number(self, packet: MergedPacket) -> int:
        """The packet's number in the lane. Frames the host lost stay a gap, so that players conceal them."""
        if self._next:
            self._next += min(packet.lost, MAX_LOST)
        self._next += 1
        return self._next - 1

    def reports_due(self, timestamp: int) -> Iterator[Row]:
        """Rows whose turn for a report has come since the packet before. `timestamp`: of the newest frame."""
        slot = timestamp // TICK
        turns = 1 if self._slot is None else min(slot - self._slot, REPORT_SLOTS)
        self._slot = slot
        for turn in range(slot - turns + 1, slot + 1):
            yield from self.rows[(turn - self._phase * _LANE_STEP) % REPORT_SLOTS :: REPORT_SLOTS]

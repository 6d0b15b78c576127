"""What a receiver counts of one RTP stream to report on it (RFC 3550 appendices A.1, A.3, A.8)."""

from __future__ import annotations

from stentor.core.rtp.packet import RtpPacket
from stentor.core.rtp.rtcp import ReportBlock, middle_ntp
from stentor.core.rtp.serial import timestamp_diff

MAX_DROPOUT = 3000  # packets: a longer jump forward means that the sender restarted (RFC 3550 A.1)
MAX_MISORDER = 100  # packets: 2 s at 20 ms; the same for a jump back (RFC 3550 A.1)

_MAX_LOST = 0x7FFFFF  # the counter has 24 bits with sign and stops at its ends (RFC 3550 A.3)


class ReceptionStats:
    """Counters of one stream. Feed it every packet of the stream, then ask for a report now and then.

    Packets come authenticated, so a new source needs no probation (the `probation` of RFC 3550 A.1).
    """

    def __init__(self, ssrc: int, clock_rate: int = 48000) -> None:
        """`clock_rate`: of the RTP timestamps in Hz."""
        self._ssrc = ssrc
        self._clock_rate = clock_rate
        self._received = 0
        self._base = self._highest = 0  # extended sequence numbers
        self._restart_at: int | None = None  # the sequence number that would confirm a restart
        self._expected_before = self._received_before = 0  # at the last report
        self._jitter = 0.0  # in timestamp units
        self._last: tuple[float, int] | None = None  # arrival and timestamp of the last packet
        self._sender_report: tuple[int, float] | None = None  # LSR and its arrival

    def receive(self, packet: RtpPacket, now: float) -> None:
        """Count one packet that arrived at `now` (seconds of any steady clock)."""
        if self._received == 0:
            self._restart(packet.sequence)
        if self._count(packet.sequence):
            self._measure_jitter(packet.timestamp, now)

    def note_sender_report(self, ntp: int, now: float) -> None:
        """Remember the sender report with this NTP time, so that the sender can work out the round trip."""
        self._sender_report = (middle_ntp(ntp), now)

    def report(self, now: float) -> ReportBlock:
        """The report block for the time since the last call."""
        expected = self._highest - self._base + 1 if self._received else 0
        expected_now = expected - self._expected_before
        lost_now = expected_now - (self._received - self._received_before)
        self._expected_before, self._received_before = expected, self._received
        fraction = min(255, (lost_now << 8) // expected_now) if expected_now > 0 and lost_now > 0 else 0
        lsr, dlsr = 0, 0
        if self._sender_report is not None:
            lsr, arrived = self._sender_report
            dlsr = int(max(0.0, now - arrived) * 65536) & 0xFFFFFFFF
        return ReportBlock(
            self._ssrc,
            fraction,
            max(-_MAX_LOST - 1, min(expected - self._received, _MAX_LOST)),
            self._highest & 0xFFFFFFFF,
            int(self._jitter),
            lsr,
            dlsr,
        )

    def _count(self, sequence: int) -> bool:
        """Whether the packet belongs to the stream: not when it is the first after a large jump (A.1)."""
        ahead = (sequence - self._highest) & 0xFFFF
        if ahead < MAX_DROPOUT:
            self._highest += ahead
        elif ahead <= 0x10000 - MAX_MISORDER:
            if sequence != self._restart_at:
                self._restart_at = (sequence + 1) & 0xFFFF
                return False
            self._restart(sequence)
        # else: late or duplicate, which counts as received
        self._received += 1
        return True

    def _restart(self, sequence: int) -> None:
        self._base = self._highest = sequence
        self._received = 0
        self._restart_at = None
        self._expected_before = self._received_before = 0
        self._last = None

    def _measure_jitter(self, timestamp: int, now: float) -> None:
        """Smooth how unevenly packets arrive against their timestamps (A.8, with its gain of 1/16)."""
        if self._last is not None:
            arrived, before = self._last
            transit_change = (now - arrived) * self._clock_rate - timestamp_diff(timestamp, before)
            self._jitter += (abs(transit_change) - self._jitter) / 16
        self._last = (now, timestamp)

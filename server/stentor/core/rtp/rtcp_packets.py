"""The RTCP packets of RFC 3550 section 6.4 to 6.6 as values; `rtcp` reads and writes them."""

from __future__ import annotations

from dataclasses import dataclass

from stentor.core.errors import RemoteError


class RtcpError(RemoteError):
    """Bytes that are not a compound RTCP packet."""


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """How one stream arrives at whoever reports (RFC 3550 section 6.4.1)."""

    ssrc: int
    """The stream reported on."""
    fraction_lost: int
    """Loss since the last report in 256ths, 0 to 255."""
    packets_lost: int
    """Since the start; negative when duplicates came. 24 bits with sign."""
    highest_sequence: int
    """Wraps << 16 | highest sequence number received."""
    jitter: int
    """Interarrival jitter in units of the media clock."""
    lsr: int
    """Middle 32 bits of the NTP time in the last sender report, 0 before the first."""
    dlsr: int
    """From its arrival to this report in 65,536ths of a second."""


@dataclass(frozen=True, slots=True)
class SenderReport:
    """What a sender has sent, and which RTP time belongs to which wall-clock time."""

    ssrc: int
    """The sender."""
    ntp: int
    """64-bit NTP time of the report."""
    rtp_timestamp: int
    """The same moment in RTP time."""
    packet_count: int
    """RTP packets sent so far."""
    octet_count: int
    """Payload bytes sent so far."""
    reports: tuple[ReportBlock, ...] = ()
    """What the sender receives itself."""


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """Reception of the streams of others, by someone who sends nothing."""

    ssrc: int
    """Who reports."""
    reports: tuple[ReportBlock, ...] = ()
    """At most 31."""


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """One chunk of an SDES packet."""

    ssrc: int
    """Who is described."""
    cname: str
    """Its canonical name; empty when the chunk had none."""


@dataclass(frozen=True, slots=True)
class Bye:
    """Streams that have ended."""

    ssrcs: tuple[int, ...]
    """Which."""
    reason: str = ""
    """Why, for people."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Any other packet type: feedback (205, 206), XR (207), APP (204)."""

    packet_type: int
    """0 to 255."""
    count: int
    """The five bits whose meaning depends on the type."""
    body: bytes
    """Everything after the first four bytes, without padding; a multiple of four."""


RtcpPacket = SenderReport | ReceiverReport | SourceDescription | Bye | Unknown

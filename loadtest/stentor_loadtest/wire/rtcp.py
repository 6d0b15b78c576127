"""The two RTCP packets that matter to a listener: its own receiver report, the server's sender report."""

from __future__ import annotations

import struct
from dataclasses import dataclass

SENDER_REPORT = 200
RECEIVER_REPORT = 201
SOURCE_DESCRIPTION = 202


@dataclass(frozen=True, slots=True)
class SenderReport:
    """NTP and RTP time of one instant (RFC 3550 section 6.4.1)."""

    ssrc: int
    ntp: int
    rtp_timestamp: int
    packet_count: int


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """How one stream is received (RFC 3550 section 6.4.1)."""

    ssrc: int
    fraction_lost: int
    packets_lost: int
    highest_sequence: int
    jitter: int = 0
    last_sender_report: int = 0
    delay: int = 0


def receiver_report(ssrc: int, block: ReportBlock | None, *, cname: str) -> bytes:
    """A compound packet: receiver report with one block or none, and the CNAME that must go with it."""
    blocks = b""
    if block is not None:
        lost = block.packets_lost & 0xFFFFFF
        blocks = struct.pack(
            "!IIIIII",
            block.ssrc,
            (block.fraction_lost << 24) | lost,
            block.highest_sequence & 0xFFFFFFFF,
            block.jitter,
            block.last_sender_report,
            block.delay,
        )
    count = 1 if blocks else 0
    report = struct.pack("!BBHI", 0x80 | count, RECEIVER_REPORT, 1 + len(blocks) // 4, ssrc) + blocks
    item = struct.pack("!BB", 1, len(cname)) + cname.encode()
    item += bytes(4 - len(item) % 4)  # the list ends with at least one zero byte
    return report + struct.pack("!BBHI", 0x81, SOURCE_DESCRIPTION, 1 + len(item) // 4, ssrc) + item


def sender_reports(compound: bytes) -> list[SenderReport]:
    """Every sender report in a plain compound packet; what does not parse is left out."""
    found = []
    at = 0
    while at + 8 <= len(compound):
        kind, words = compound[at + 1], int.from_bytes(compound[at + 2 : at + 4], "big")
        size = 4 * (words + 1)
        if kind == SENDER_REPORT and size >= 28 and at + size <= len(compound):
            ssrc, ntp, timestamp, packets = struct.unpack_from("!IQII", compound, at + 4)
            found.append(SenderReport(ssrc, ntp, timestamp, packets))
        at += size
    return found

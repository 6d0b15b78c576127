"""RTCP: reading and writing compound packets (RFC 3550 section 6)."""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct

from stentor.core.errors import LocalError
from stentor.core.rtp.rtcp_packets import (
    Bye,
    ReceiverReport,
    ReportBlock,
    RtcpError,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    Unknown,
)

__all__ = [
    "Bye",
    "ReceiverReport",
    "ReportBlock",
    "RtcpError",
    "RtcpPacket",
    "SenderReport",
    "SourceDescription",
    "Unknown",
    "middle_ntp",
    "parse_rtcp",
    "serialize_rtcp",
    "to_ntp",
]

SENDER_REPORT = 200
RECEIVER_REPORT = 201
SOURCE_DESCRIPTION = 202
BYE = 203

_CNAME = 1  # the one SDES item every end sends (RFC 3550 section 6.5.1)
_MAX_COUNT = 31  # five bits of the common header
_NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970 (RFC 5905 section 6)
_U32 = 0xFFFFFFFF

_COMMON = Struct(">BBH")
_SENDER_INFO = Struct(">IQIII")
_REPORT_BLOCK = Struct(">IIIIII")
_WORD = Struct(">I")


def parse_rtcp(data: bytes) -> tuple[RtcpPacket, ...]:
    """Read a compound packet; raises RtcpError when any part of it is malformed.

    The first packet need not be a report: reduced-size RTCP is accepted (RFC 5506). An SDES packet gives
    one SourceDescription for each of its chunks.
    """
    if not data:
        raise RtcpError("empty RTCP packet")
    packets: list[RtcpPacket] = []
    start = 0
    while start < len(data):
        if len(data) - start < 4:
            raise RtcpError("RTCP header cut off")
        first, packet_type, words = _COMMON.unpack_from(data, start)
        end = start + 4 + 4 * words
        if first & 0xC0 != 0x80:
            raise RtcpError("RTCP version is not 2")
        if end > len(data):
            raise RtcpError("RTCP packet longer than its datagram")
        body = data[start + 4 : end]
        if first & 0x20:
            if end != len(data):  # RFC 3550 section 6.4.1: on the last packet only
                raise RtcpError("RTCP padding before the last packet")
            body = _without_padding(body)
        packets.extend(_parse_one(packet_type, first & 0x1F, body))
        start = end
    return tuple(packets)


def serialize_rtcp(packets: Iterable[RtcpPacket]) -> bytes:
    """The bytes of a compound packet; LocalError when a packet holds more than its format can."""
    return b"".join(_serialize_one(packet) for packet in packets)


def to_ntp(unix_seconds: float) -> int:
    """64-bit NTP time: seconds since 1900 in the upper half, fraction in the lower; wraps in 2036."""
    seconds, fraction = divmod(unix_seconds, 1.0)
    return ((int(seconds) + _NTP_EPOCH) << 32) + int(fraction * 2**32) & 0xFFFFFFFFFFFFFFFF


def middle_ntp(ntp: int) -> int:
    """The middle 32 bits of an NTP time, as LSR carries them: units of 1/65,536 s."""
    return ntp >> 16 & _U32


def _without_padding(body: bytes) -> bytes:
    padding = body[-1] if body else 0
    if padding == 0 or padding % 4 or padding > len(body):
        raise RtcpError("RTCP padding count wrong")
    return body[:-padding]


def _parse_one(packet_type: int, count: int, body: bytes) -> Iterable[RtcpPacket]:
    if packet_type == SENDER_REPORT:
        return (_parse_sender_report(count, body),)
    if packet_type == RECEIVER_REPORT:
        if len(body) < 4:
            raise RtcpError("receiver report too short")
        return (ReceiverReport(_WORD.unpack_from(body)[0], _parse_blocks(count, body, 4)),)
    if packet_type == SOURCE_DESCRIPTION:
        return _parse_source_descriptions(count, body)
    if packet_type == BYE:
        return (_parse_bye(count, body),)
    return (Unknown(packet_type, count, body),)


def _parse_sender_report(count: int, body: bytes) -> SenderReport:
    if len(body) < _SENDER_INFO.size:
        raise RtcpError("sender report too short")
    ssrc, ntp, rtp_timestamp, packets, octets = _SENDER_INFO.unpack_from(body)
    blocks = _parse_blocks(count, body, _SENDER_INFO.size)
    return SenderReport(ssrc, ntp, rtp_timestamp, packets, octets, blocks)


def _parse_blocks(count: int, body: bytes, start: int) -> tuple[ReportBlock, ...]:
    """Report blocks; profile-specific extensions may follow them and are ignored (RFC 3550 6.4.3)."""
    size = _REPORT_BLOCK.size
    if len(body) < start + count * size:
        raise RtcpError("report block cut off")
    blocks = []
    for offset in range(start, start + count * size, size):
        ssrc, loss, highest, jitter, lsr, dlsr = _REPORT_BLOCK.unpack_from(body, offset)
        lost = loss & 0xFFFFFF
        lost -= (lost & 0x800000) << 1  # 24 bits with sign
        blocks.append(ReportBlock(ssrc, loss >> 24, lost, highest, jitter, lsr, dlsr))
    return tuple(blocks)


def _parse_source_descriptions(count: int, body: bytes) -> list[RtcpPacket]:
    chunks: list[RtcpPacket] = []
    offset = 0
    for _ in range(count):
        if len(body) < offset + 4:
            raise RtcpError("SDES chunk cut off")
        ssrc = _WORD.unpack_from(body, offset)[0]
        cname, offset = _parse_items(body, offset + 4)
        chunks.append(SourceDescription(ssrc, cname))
    if offset != len(body):
        raise RtcpError("SDES packet longer than its chunks")
    return chunks


def _parse_items(body: bytes, offset: int) -> tuple[str, int]:
    """CNAME of the chunk whose items start at `offset`, and where the next chunk starts."""
    cname = ""
    while offset < len(body) and body[offset] != 0:
        if len(body) < offset + 2 or len(body) < offset + 2 + body[offset + 1]:
            raise RtcpError("SDES item cut off")
        text = body[offset + 2 : offset + 2 + body[offset + 1]]
        if body[offset] == _CNAME:
            cname = _text(text)
        offset += 2 + len(text)
    # One to four zero bytes end the list on a 32-bit boundary (RFC 3550 section 6.5).
    end = offset // 4 * 4 + 4
    if end > len(body) or any(body[offset:end]):
        raise RtcpError("SDES chunk without its end")
    return cname, end


def _parse_bye(count: int, body: bytes) -> Bye:
    end = 4 * count
    if len(body) < end:
        raise RtcpError("BYE too short")
    ssrcs = tuple(_WORD.unpack_from(body, offset)[0] for offset in range(0, end, 4))
    if len(body) == end:
        return Bye(ssrcs)
    length = body[end]
    if len(body) < end + 1 + length:
        raise RtcpError("BYE reason cut off")
    return Bye(ssrcs, _text(body[end + 1 : end + 1 + length]))


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise RtcpError("RTCP text is not UTF-8") from None


def _serialize_one(packet: RtcpPacket) -> bytes:
    match packet:
        case SenderReport():
            info = (packet.ssrc, packet.ntp, packet.rtp_timestamp & _U32)
            sent = (packet.packet_count & _U32, packet.octet_count & _U32)
            body = _SENDER_INFO.pack(*info, *sent) + _blocks(packet.reports)
            return _packet(SENDER_REPORT, len(packet.reports), body)
        case ReceiverReport():
            body = _WORD.pack(packet.ssrc) + _blocks(packet.reports)
            return _packet(RECEIVER_REPORT, len(packet.reports), body)
        case SourceDescription():
            items = bytes((_CNAME,)) + _counted(packet.cname) if packet.cname else b""
            body = _WORD.pack(packet.ssrc) + items + bytes(4 - len(items) % 4)
            return _packet(SOURCE_DESCRIPTION, 1, body)
        case Bye():
            reason = _counted(packet.reason) if packet.reason else b""
            body = b"".join(map(_WORD.pack, packet.ssrcs)) + reason + bytes(-len(reason) % 4)
            return _packet(BYE, len(packet.ssrcs), body)
        case Unknown():
            return _packet(packet.packet_type, packet.count, packet.body)


def _packet(packet_type: int, count: int, body: bytes) -> bytes:
    if count > _MAX_COUNT or len(body) % 4:
        raise LocalError("RTCP packet with more than 31 parts or a length that is no multiple of four")
    return _COMMON.pack(0x80 | count, packet_type, len(body) // 4) + body


def _blocks(reports: tuple[ReportBlock, ...]) -> bytes:
    return b"".join(
        _REPORT_BLOCK.pack(
            block.ssrc,
            block.fraction_lost << 24 | max(-0x800000, min(block.packets_lost, 0x7FFFFF)) & 0xFFFFFF,
            block.highest_sequence & _U32,
            block.jitter & _U32,
            block.lsr,
            block.dlsr & _U32,
        )
        for block in reports
    )


def _counted(text: str) -> bytes:
    data = text.encode()
    if len(data) > 255:
        raise LocalError("RTCP text longer than 255 bytes")
    return bytes((len(data),)) + data

from __future__ import annotations

import contextlib

import aiortc.rtp as oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.errors import LocalError
from stentor.core.rtp.rtcp import (
    Bye,
    ReceiverReport,
    ReportBlock,
    RtcpError,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    Unknown,
    middle_ntp,
    parse_rtcp,
    serialize_rtcp,
    to_ntp,
)

BLOCK = ReportBlock(0x22222222, 64, -2, 0x10005, 7, 0x12345678, 0x8000)
BLOCK_WIRE = "22222222 40fffffe 00010005 00000007 12345678 00008000"

BOTH_WAYS: dict[str, tuple[str, RtcpPacket]] = {
    "sender report": (
        "80c80006 11111111 e90a1b2c 80000000 0000bb80 00000003 000001e0",
        SenderReport(0x11111111, 0xE90A1B2C80000000, 48000, 3, 480),
    ),
    "sender report with a block": (
        "81c8000c 11111111 e90a1b2c 80000000 0000bb80 00000003 000001e0" + BLOCK_WIRE,
        SenderReport(0x11111111, 0xE90A1B2C80000000, 48000, 3, 480, (BLOCK,)),
    ),
    "receiver report without blocks": ("80c90001 11111111", ReceiverReport(0x11111111)),
    "receiver report": ("81c90007 11111111" + BLOCK_WIRE, ReceiverReport(0x11111111, (BLOCK,))),
    "source description": ("81ca0003 11111111 0105 68656c6c6f 00", SourceDescription(0x11111111, "hello")),
    "name that ends on a boundary": (
        "81ca0004 11111111 0106 68656c6c6f21 00000000",
        SourceDescription(0x11111111, "hello!"),
    ),
    "chunk without a name": ("81ca0002 11111111 00000000", SourceDescription(0x11111111, "")),
    "bye": ("82cb0002 11111111 22222222", Bye((0x11111111, 0x22222222))),
    "bye with a reason": ("81cb0002 11111111 03656e64", Bye((0x11111111,), "end")),
    "bye with a padded reason": ("81cb0003 11111111 04656e64 73000000", Bye((0x11111111,), "ends")),
    "bye of nobody": ("80cb0000", Bye(())),
    "transport feedback": (
        "81cd0003 11111111 22222222 00010000",
        Unknown(205, 1, b"\x11" * 4 + b"\x22" * 4 + b"\0\1\0\0"),
    ),
    "picture loss indication": ("81ce0002 11111111 22222222", Unknown(206, 1, b"\x11" * 4 + b"\x22" * 4)),
    "extended report": ("80cf0001 11111111", Unknown(207, 0, b"\x11" * 4)),
    "application packet": ("85cc0002 11111111 41424344", Unknown(204, 5, b"\x11" * 4 + b"ABCD")),
}

READ_ONLY: dict[str, tuple[str, tuple[RtcpPacket, ...]]] = {
    "profile-specific extension after the blocks": (
        "80c90002 11111111 deadbeef",
        (ReceiverReport(0x11111111),),
    ),
    "padding on the last packet": (
        "80c90001 11111111 a0c90002 11111111 00000004",
        (ReceiverReport(0x11111111),) * 2,
    ),
    "two chunks": (
        "82ca0004 11111111 01016100 22222222 01016200",
        (SourceDescription(0x11111111, "a"), SourceDescription(0x22222222, "b")),
    ),
    "other items around the name": (
        "81ca0004 11111111 02027878 01016102 02797900",
        (SourceDescription(0x11111111, "a"),),
    ),
    "no chunk": ("80ca0000", ()),
}

REFUSED = {
    "empty": "",
    "three bytes": "80c900",
    "version 1": "40c90001 11111111",
    "longer than its datagram": "80c90002 11111111",
    "bytes after the last packet": "80c90001 11111111 80",
    "zeros after the last packet": "80c90001 11111111 00000000",
    "padding before the last packet": "a0c90002 11111111 00000004 80c90001 11111111",
    "padding of zero": "a0c90002 11111111 00000000",
    "padding that is no multiple of four": "a0c90002 11111111 00000003",
    "padding longer than the packet": "a0c90002 11111111 0000000c",
    "padding flag on an empty body": "a0cb0000",
    "sender report of 23 bytes": "80c80005 11111111 e90a1b2c 80000000 0000bb80 00000003",
    "receiver report without a sender": "80c90000",
    "report block cut off": "82c90007 11111111" + BLOCK_WIRE,
    "chunk missing": "82ca0003 11111111 0105 68656c6c6f 00",
    "item longer than its packet": "81ca0002 11111111 01056865",
    "item without a length": "81ca0002 11111111 0101 61 01",
    "chunk without its end": "81ca0002 11111111 01026161",
    "chunk end that is not zero": "81ca0002 11111111 00000001",
    "chunk too many": "80ca0002 11111111 00000000",
    "name that is not UTF-8": "81ca0002 11111111 0101ff00",
    "bye without its sources": "82cb0001 11111111",
    "bye reason cut off": "81cb0002 11111111 04656e64",
    "bye reason that is not UTF-8": "81cb0002 11111111 01ff0000",
    "second packet malformed": "80c90001 11111111 82cb0001 11111111",
}


@pytest.mark.parametrize(("wire", "packet"), BOTH_WAYS.values(), ids=BOTH_WAYS)
def test_packet_is_read_and_written(wire: str, packet: RtcpPacket) -> None:
    assert parse_rtcp(bytes.fromhex(wire)) == (packet,)
    assert serialize_rtcp([packet]) == bytes.fromhex(wire)


def test_compound_packet_is_read_and_written() -> None:
    packets = tuple(packet for _, packet in BOTH_WAYS.values())
    wire = b"".join(bytes.fromhex(wire) for wire, _ in BOTH_WAYS.values())
    assert parse_rtcp(wire) == packets
    assert serialize_rtcp(packets) == wire


@pytest.mark.parametrize(("wire", "packets"), READ_ONLY.values(), ids=READ_ONLY)
def test_what_others_write_differently_is_read(wire: str, packets: tuple[RtcpPacket, ...]) -> None:
    assert parse_rtcp(bytes.fromhex(wire)) == packets


@pytest.mark.parametrize("wire", REFUSED.values(), ids=REFUSED)
def test_malformed_packet_is_refused(wire: str) -> None:
    with pytest.raises(RtcpError):
        parse_rtcp(bytes.fromhex(wire))


def test_loss_beyond_24_bits_stays_at_the_limit() -> None:
    for lost, written in ((2**30, 0x7FFFFF), (-(2**30), -0x800000)):
        (report,) = parse_rtcp(serialize_rtcp([ReceiverReport(1, (ReportBlock(2, 0, lost, 0, 0, 0, 0),))]))
        assert isinstance(report, ReceiverReport)
        assert report.reports[0].packets_lost == written


@pytest.mark.parametrize(
    "packet",
    [
        ReceiverReport(1, (BLOCK,) * 32),
        Bye(tuple(range(32))),
        Bye((1,), "x" * 256),
        SourceDescription(1, "x" * 256),
        Unknown(205, 1, b"abc"),
    ],
)
def test_packet_that_its_format_cannot_hold_is_our_error(packet: RtcpPacket) -> None:
    with pytest.raises(LocalError):
        serialize_rtcp([packet])


def test_another_implementation_reads_what_we_write() -> None:
    written = serialize_rtcp(
        [SenderReport(1, 2**63 + 5, 3, 4, 5, (BLOCK,)), SourceDescription(1, "stentor"), Bye((1,))]
    )
    report, description, bye = oracle.RtcpPacket.parse(written)
    assert isinstance(report, oracle.RtcpSrPacket)
    assert (report.ssrc, report.sender_info.ntp_timestamp, report.sender_info.octet_count) == (
        1,
        2**63 + 5,
        5,
    )
    assert (report.reports[0].packets_lost, report.reports[0].fraction_lost) == (-2, 64)
    assert isinstance(description, oracle.RtcpSdesPacket)
    assert description.chunks[0].items == [(1, b"stentor")]
    assert isinstance(bye, oracle.RtcpByePacket)
    assert bye.sources == [1]


@pytest.mark.parametrize(
    ("unix_seconds", "ntp", "middle"),
    [
        (0.0, 2208988800 << 32, 0x7E800000),
        (0.5, 2208988800 << 32 | 0x80000000, 0x7E808000),
        (1700000000.25, 3908988800 << 32 | 0x40000000, 0x6F804000),
        (2**32 - 2208988800, 0, 0),  # the era ends in 2036
    ],
)
def test_ntp_time(unix_seconds: float, ntp: int, middle: int) -> None:
    assert to_ntp(unix_seconds) == ntp
    assert middle_ntp(ntp) == middle


U32 = st.integers(0, 2**32 - 1)
BLOCKS = st.builds(
    ReportBlock, U32, st.integers(0, 255), st.integers(-(2**23), 2**23 - 1), U32, U32, U32, U32
)
REPORTS = st.lists(BLOCKS, max_size=3).map(tuple)
TEXT = st.text(max_size=40)
PACKETS = st.one_of(
    st.builds(SenderReport, U32, st.integers(0, 2**64 - 1), U32, U32, U32, REPORTS),
    st.builds(ReceiverReport, U32, REPORTS),
    st.builds(SourceDescription, U32, TEXT),
    st.builds(Bye, st.lists(U32, max_size=3).map(tuple), TEXT),
    st.builds(
        Unknown,
        st.integers(204, 255),
        st.integers(0, 31),
        st.binary(max_size=24).map(lambda data: data[: len(data) // 4 * 4]),
    ),
)


@settings(max_examples=300)
@given(st.lists(PACKETS, min_size=1, max_size=4).map(tuple))
def test_what_was_written_is_read(packets: tuple[RtcpPacket, ...]) -> None:
    assert parse_rtcp(serialize_rtcp(packets)) == packets


@settings(max_examples=200)
@given(st.binary(max_size=80))
def test_any_bytes_give_packets_or_an_rtcp_error(data: bytes) -> None:
    with contextlib.suppress(RtcpError):
        parse_rtcp(data)


@settings(max_examples=300)
@given(st.integers(0, 63), st.integers(200, 207), st.binary(max_size=60))
def test_any_body_gives_packets_or_an_rtcp_error(low_bits: int, packet_type: int, body: bytes) -> None:
    body += bytes(-len(body) % 4)
    data = bytes((0x80 | low_bits, packet_type)) + (len(body) // 4).to_bytes(2, "big") + body
    with contextlib.suppress(RtcpError):
        parse_rtcp(data)

"""RTCP in C: the same verdicts, report blocks and sender reports as core/rtp/rtcp.py."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.rtp.rtcp import (
    Bye,
    ReceiverReport,
    ReportBlock,
    RtcpError,
    SenderReport,
    SourceDescription,
    Unknown,
    parse_rtcp,
    serialize_rtcp,
)
from support.native_parts import exact, ffi, library

u32 = st.integers(0, 0xFFFFFFFF)
blocks = st.builds(
    ReportBlock,
    ssrc=u32,
    fraction_lost=st.integers(0, 255),
    packets_lost=st.integers(-0x800000, 0x7FFFFF),
    highest_sequence=u32,
    jitter=u32,
    lsr=u32,
    dlsr=u32,
)
reports = st.lists(blocks, max_size=4).map(tuple)
packets = st.one_of(
    st.builds(
        SenderReport,
        ssrc=u32,
        ntp=st.integers(0, 2**64 - 1),
        rtp_timestamp=u32,
        packet_count=u32,
        octet_count=u32,
        reports=reports,
    ),
    st.builds(ReceiverReport, ssrc=u32, reports=reports),
    st.builds(SourceDescription, ssrc=u32, cname=st.text(max_size=20)),
    st.builds(Bye, ssrcs=st.lists(u32, max_size=4).map(tuple), reason=st.text(max_size=20)),
    st.builds(
        Unknown,
        packet_type=st.integers(204, 207),
        count=st.integers(0, 31),
        body=st.integers(0, 5).flatmap(lambda n: st.binary(min_size=4 * n, max_size=4 * n)),
    ),
)
compounds = st.lists(packets, min_size=1, max_size=4).map(serialize_rtcp)


def in_c(data: bytes) -> list[ReportBlock] | None:
    found, count = ffi.new("struct stn_report[400]"), ffi.new("size_t *")
    kept = exact(data)
    if not library().stn_rtcp_parse({"data": kept, "len": len(data)}, found, 400, count):
        return None
    return [
        ReportBlock(b.ssrc, b.fraction_lost, b.packets_lost, b.highest_sequence, b.jitter, b.lsr, b.dlsr)
        for b in found[0 : count[0]]
    ]


def in_python(data: bytes) -> list[ReportBlock] | None:
    try:
        parsed = parse_rtcp(data)
    except RtcpError:
        return None
    return [
        block
        for packet in parsed
        if isinstance(packet, SenderReport | ReceiverReport)
        for block in packet.reports
    ]


@given(data=compounds)
@settings(max_examples=200, deadline=None)
def test_valid_compounds_give_the_same_blocks(data: bytes) -> None:
    assert in_c(data) == in_python(data) != None  # noqa: E711


@given(data=st.binary(max_size=120))
@settings(max_examples=200, deadline=None)
def test_any_bytes_get_the_same_verdict(data: bytes) -> None:
    assert in_c(data) == in_python(data)


@given(first=st.sampled_from([0x80, 0x81, 0x82, 0xA1, 0x9F]), kind=st.integers(199, 206), body=st.binary())
@settings(max_examples=300, deadline=None)
def test_any_body_behind_a_right_header_gets_the_same_verdict(first: int, kind: int, body: bytes) -> None:
    body = body[: len(body) // 4 * 4]
    data = bytes((first, kind)) + (len(body) // 4).to_bytes(2, "big") + body
    assert in_c(data) == in_python(data)


@given(data=compounds, at=st.integers(0, 10_000), flip=st.integers(1, 255), cut=st.integers(0, 9))
@settings(max_examples=400, deadline=None)
def test_damaged_compounds_get_the_same_verdict(data: bytes, at: int, flip: int, cut: int) -> None:
    damaged = bytearray(data)
    damaged[at % len(data)] ^= flip
    assert in_c(bytes(damaged)) == in_python(bytes(damaged))
    assert in_c(data[: len(data) - cut]) == in_python(data[: len(data) - cut])


@given(data=compounds, padding=st.integers(0, 12), count=st.integers(0, 12))
@settings(max_examples=200, deadline=None)
def test_padding_gets_the_same_verdict(data: bytes, padding: int, count: int) -> None:
    words = padding * 4
    tail = bytes((0xA0, 204)) + (padding + 1).to_bytes(2, "big") + bytes(4)
    padded = data + (tail + bytes(words))[:-1] + bytes((count * 4,))
    assert in_c(padded) == in_python(padded)


def test_more_blocks_than_asked_for_are_counted_and_not_written() -> None:
    block = ReportBlock(1, 2, 3, 4, 5, 6, 7)
    data = serialize_rtcp([ReceiverReport(1, (block,) * 31)])
    found, count, kept = ffi.new("struct stn_report[2]"), ffi.new("size_t *"), exact(data)
    found[1].ssrc = 99
    assert library().stn_rtcp_parse({"data": kept, "len": len(data)}, found, 1, count)
    assert (count[0], found[0].ssrc, found[1].ssrc) == (31, 1, 99)


@given(
    ssrc=u32, ntp=st.integers(0, 2**64 - 1), timestamp=u32, sent=u32, octets=u32, cname=st.text(max_size=16)
)
@settings(max_examples=200, deadline=None)
def test_sender_reports_are_the_same_bytes(
    ssrc: int, ntp: int, timestamp: int, sent: int, octets: int, cname: str
) -> None:
    out, name = ffi.new("uint8_t[106]"), cname.encode()
    kept = exact(name)
    size = library().stn_rtcp_sender_report(
        out, ssrc, ntp, timestamp, sent, octets, {"data": kept, "len": len(name)}
    )
    expected = serialize_rtcp(
        [SenderReport(ssrc, ntp, timestamp, sent, octets), SourceDescription(ssrc, cname)]
    )
    assert bytes(ffi.buffer(out, size)) == expected

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.rtp.packet import RtpError, RtpPacket, header_length, parse_rtp, rtp_header

FIXED = "80 6f 1234 00000010 cafebabe"  # version 2, payload type 111, sequence 0x1234

READ = {
    "plain": (FIXED + "aabb", RtpPacket(111, 0x1234, 16, 0xCAFEBABE, b"\xaa\xbb")),
    "no payload": (FIXED, RtpPacket(111, 0x1234, 16, 0xCAFEBABE, b"")),
    "marker": ("80 ef 1234 00000010 cafebabe aa", RtpPacket(111, 0x1234, 16, 0xCAFEBABE, b"\xaa", True)),
    "two contributing sources": (
        "82 6f 1234 00000010 cafebabe 11111111 22222222 aa",
        RtpPacket(111, 0x1234, 16, 0xCAFEBABE, b"\xaa"),
    ),
    "header extension": (
        "90 6f 1234 00000010 cafebabe bede0001 10ff0000 aa",
        RtpPacket(111, 0x1234, 16, 0xCAFEBABE, b"\xaa"),
    ),
    "empty header extension": (
        "90 6f 1234 00000010 cafebabe bede0000 aa",
        RtpPacket(111, 0x1234, 16, 0xCAFEBABE, b"\xaa"),
    ),
    "padding": (
        "a0 6f 1234 00000010 cafebabe aabb000003",
        RtpPacket(111, 0x1234, 16, 0xCAFEBABE, b"\xaa\xbb"),
    ),
    "nothing but padding": (
        "a0 6f 1234 00000010 cafebabe 000003",
        RtpPacket(111, 0x1234, 16, 0xCAFEBABE, b""),
    ),
}

REFUSED = {
    "empty": "",
    "eleven bytes": FIXED[:-2],
    "version 1": "40 6f 1234 00000010 cafebabe aa",
    "contributing sources cut off": "82 6f 1234 00000010 cafebabe 11111111",
    "extension header cut off": "90 6f 1234 00000010 cafebabe bede",
    "extension longer than the packet": "90 6f 1234 00000010 cafebabe bede0002 10ff0000",
    "padding of zero": "a0 6f 1234 00000010 cafebabe aa00",
    "padding longer than the payload": "a0 6f 1234 00000010 cafebabe aa03",
    "padding flag without a payload": "a0 6f 1234 00000010 cafebabe",
}


@pytest.mark.parametrize(("wire", "packet"), READ.values(), ids=READ)
def test_packet_is_read(wire: str, packet: RtpPacket) -> None:
    assert parse_rtp(bytes.fromhex(wire)) == packet


@pytest.mark.parametrize("wire", REFUSED.values(), ids=REFUSED)
def test_malformed_packet_is_refused(wire: str) -> None:
    with pytest.raises(RtpError):
        parse_rtp(bytes.fromhex(wire))


def test_header_length_refuses_a_short_packet() -> None:
    with pytest.raises(RtpError):
        header_length(b"\x80" * 11)


def test_header_is_written_as_in_rfc_3550() -> None:
    assert rtp_header(111, 0x1234, 16, 0xCAFEBABE).hex(" ", 4) == "806f1234 00000010 cafebabe"
    assert rtp_header(111, 0x1234, 16, 0xCAFEBABE, marker=True)[1] == 0xEF


def test_header_cuts_extended_counters_to_their_width() -> None:
    header = rtp_header(111, 0x5_1234, 0x7_0000_0010, 0xCAFEBABE)
    assert header == rtp_header(111, 0x1234, 16, 0xCAFEBABE)


@settings(max_examples=300)
@given(st.binary(max_size=64) | st.binary(max_size=64).map(lambda tail: b"\xb2" + tail))
def test_any_bytes_give_a_packet_or_an_rtp_error(data: bytes) -> None:
    try:
        packet = parse_rtp(data)
    except RtpError:
        return
    assert len(packet.payload) <= len(data) - 12


@settings(max_examples=200)
@given(
    st.integers(0, 127),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.binary(max_size=40),
    st.booleans(),
)
def test_what_was_written_is_read(
    payload_type: int, sequence: int, timestamp: int, ssrc: int, payload: bytes, marker: bool
) -> None:
    data = rtp_header(payload_type, sequence, timestamp, ssrc, marker=marker) + payload
    assert parse_rtp(data) == RtpPacket(payload_type, sequence, timestamp, ssrc, payload, marker)

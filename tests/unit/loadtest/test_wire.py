from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor_loadtest.errors import WireError
from stentor_loadtest.wire import rtcp, sdp, stun
from stentor_loadtest.wire.dtls import MTU, DtlsClient, DtlsIdentity, pack_records
from stentor_loadtest.wire.srtp import AEAD_AES_128_GCM, Keys, RtcpCipher, RtpOpener, derive

# RFC 5769 section 2.1: sample request, software attribute and all; password as there.
RFC5769_REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff"
    "80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249"
    "c1b571a280280004e57a3bcf"
)


def test_request_of_rfc_5769_verifies() -> None:
    message = stun.parse(RFC5769_REQUEST)
    assert message.attributes[stun.USERNAME] == b"evtj:h6vY"
    assert stun.verify(message, b"VOkJxbRl1RmTxUk/WvJxBt")
    assert not stun.verify(message, b"another")


@given(st.binary(max_size=200))
@settings(max_examples=200)
def test_stun_parser_raises_only_its_own_error(data: bytes) -> None:
    for candidate in (data, RFC5769_REQUEST[:20] + data):
        with contextlib.suppress(WireError):
            stun.parse(candidate)


@given(st.binary(max_size=200))
@settings(max_examples=200)
def test_sender_report_parser_raises_nothing(data: bytes) -> None:
    rtcp.sender_reports(data)
    rtcp.sender_reports(b"\x80\xc8\x00\x06" + data)


def test_session_keys_are_those_of_rfc_3711() -> None:
    # RFC 3711 appendix B.3
    key = bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE4139")
    salt = bytes.fromhex("0EC675AD498AFEEBB6960B3AABE6")
    assert derive(key, salt, 0, 16).hex().upper() == "C61E7A93744F39EE10734AFE3FF7A087"
    assert derive(key, salt, 2, 14).hex().upper() == "30CBBC08863D8C85D49DB34A9AE1"


def test_reports_open_at_the_other_end() -> None:
    here = Keys(b"k" * 16, b"s" * 12, b"K" * 16, b"S" * 12)
    there = Keys(here.remote_key, here.remote_salt, here.local_key, here.local_salt)
    report = rtcp.receiver_report(1, rtcp.ReportBlock(2, 3, 4, 5), cname="x")
    sealed = RtcpCipher(AEAD_AES_128_GCM, here).seal(report)
    assert RtcpCipher(AEAD_AES_128_GCM, there).open(sealed) == report
    with pytest.raises(WireError):
        RtcpCipher(AEAD_AES_128_GCM, here).open(sealed)


def test_forged_rtp_does_not_open() -> None:
    opener = RtpOpener(AEAD_AES_128_GCM, b"k" * 16, b"s" * 12)
    with pytest.raises(WireError):
        opener.open(b"\x80\x6f" + bytes(60), 0)


def test_offer_is_one_receiving_opus_line() -> None:
    offer = sdp.build_offer(ufrag="u", password="p", fingerprint="AA:BB", session_id=1, red=True)
    assert offer.count("m=") == 1
    assert "a=rtpmap:111 opus/48000/2\r\n" in offer
    assert "a=recvonly\r\n" in offer
    assert "a=fmtp:63 111/111\r\n" in offer


def test_answer_gives_candidates_and_credentials() -> None:
    answer = sdp.parse_answer(
        "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-ufrag:abc\r\na=ice-pwd:def\r\n"
        "a=fingerprint:sha-256 aa:bb\r\na=candidate:1 1 udp 2130706431 192.0.2.1 8081 typ host\r\n"
        "a=candidate:2 1 UDP 2130706430 2001:db8::1 8081 typ host\r\n"
    )
    assert answer.candidates == (("192.0.2.1", 8081), ("2001:db8::1", 8081))
    assert (answer.ice_ufrag, answer.ice_pwd, answer.fingerprint) == ("abc", "def", "AA:BB")
    with pytest.raises(WireError, match="ice-ufrag"):
        sdp.parse_answer("v=0\r\n")


def test_records_are_packed_whole_into_datagrams() -> None:
    record = b"\x16\xfe\xfd" + bytes(8) + (500).to_bytes(2, "big") + bytes(500)
    datagrams = pack_records(record * 5)
    assert [len(datagram) for datagram in datagrams] == [1026, 1026, 513]
    assert all(len(datagram) <= MTU for datagram in datagrams)


def test_client_hello_is_sent_again_byte_for_byte_until_answered() -> None:
    client = DtlsClient(DtlsIdentity(), expected_fingerprint="")
    client.start(now=0.0)
    first = client.take_datagrams()
    sent_at = [0.0]
    for _ in range(5):
        due = client.due()
        assert due is not None
        client.poll(now=due)
        assert client.take_datagrams() == first
        sent_at.append(due)
    assert sent_at == pytest.approx([0.0, 0.05, 0.15, 0.35, 0.75, 1.15])

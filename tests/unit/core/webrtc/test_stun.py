"""STUN: RFC 5769 vectors, what is refused and why, and agreement with aioice."""

from __future__ import annotations

import struct
import zlib

import aioice.stun
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.errors import LocalError
from stentor.core.webrtc.stun import (
    ERROR_CODE,
    FINGERPRINT,
    ICE_CONTROLLED,
    ICE_CONTROLLING,
    MESSAGE_INTEGRITY,
    PRIORITY,
    USE_CANDIDATE,
    USERNAME,
    StunClass,
    StunError,
    StunMessage,
    binding_error,
    binding_request,
    binding_success,
    check_integrity,
    mapped_address,
    parse_stun,
)
from support.wire_samples import stun_sample

RFC5769_PASSWORD = b"VOkJxbRl1RmTxUk/WvJxBt"
TRANSACTION = bytes(range(12))
PASSWORD = b"the password of the other side"
REQUEST = binding_request(
    TRANSACTION, "theirs:ours", PASSWORD, priority=0x6E0001FF, tie_breaker=7, use_candidate=True
)


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def message(body: bytes, *, kind: int = 0x0001, cookie: int = 0x2112A442) -> bytes:
    return struct.pack("!HHI", kind, len(body), cookie) + TRANSACTION + body


def with_fingerprint(data: bytes) -> bytes:
    data = data[:2] + (len(data) - 20 + 8).to_bytes(2, "big") + data[4:]
    return data + attribute(FINGERPRINT, struct.pack("!I", zlib.crc32(data) ^ 0x5354554E))


@pytest.mark.parametrize(
    ("sample", "kind"),
    [
        ("rfc5769_request", StunClass.REQUEST),
        ("rfc5769_response_ipv4", StunClass.SUCCESS),
        ("rfc5769_response_ipv6", StunClass.SUCCESS),
    ],
)
def test_rfc5769_vectors_have_valid_integrity_and_fingerprint(sample: str, kind: StunClass) -> None:
    parsed = parse_stun(stun_sample(sample))
    assert (parsed.kind, parsed.method, parsed.has_fingerprint) == (kind, 1, True)
    assert parsed.transaction_id.hex() == "b7e7a701bc34d686fa87dfae"
    assert check_integrity(parsed, RFC5769_PASSWORD)
    assert not check_integrity(parsed, RFC5769_PASSWORD + b"x")


def test_rfc5769_request_has_its_attributes() -> None:
    parsed = parse_stun(stun_sample("rfc5769_request"))
    assert parsed.username == "evtj:h6vY"
    assert parsed.get(PRIORITY) == bytes.fromhex("6e0001ff")
    assert parsed.get(ICE_CONTROLLED) == bytes.fromhex("932ff9b151263b36")
    assert not parsed.use_candidate


@pytest.mark.parametrize(
    ("sample", "address"),
    [
        ("rfc5769_response_ipv4", ("192.0.2.1", 32853)),
        ("rfc5769_response_ipv6", ("2001:db8:1234:5678:11:2233:4455:6677", 32853)),
    ],
)
def test_rfc5769_responses_give_the_mapped_address(sample: str, address: tuple[str, int]) -> None:
    assert mapped_address(parse_stun(stun_sample(sample))) == address


REFUSED = {
    "empty": (b"", "STUN message of 0 bytes is shorter than its header"),
    "header cut": (REQUEST[:19], "STUN message of 19 bytes is shorter than its header"),
    "first two bits set": (message(b"", kind=0x8001), "not a STUN message"),
    "no magic cookie": (message(b"", cookie=0x2112A443), "not a STUN message"),
    "attribute cut off": (REQUEST[:-4], "STUN length 72 does not fit a datagram of 88 bytes"),
    "bytes after the end": (REQUEST + bytes(4), "STUN length 72 does not fit a datagram of 96 bytes"),
    "length not of whole words": (message(b"abc"), "STUN length 3 does not fit a datagram of 23 bytes"),
    "attribute past the end": (
        message(struct.pack("!HH", USERNAME, 5) + b"abcd"),
        "STUN attribute 0x0006 runs past the end of the message",
    ),
    "attribute of 65535 bytes": (
        message(struct.pack("!HH", 0x8022, 65535)),
        "STUN attribute 0x8022 runs past the end of the message",
    ),
    "33 attributes": (message(attribute(0x8022, b"") * 33), "STUN message has more than 32 attributes"),
    "integrity of 16 bytes": (
        message(attribute(MESSAGE_INTEGRITY, bytes(16))),
        "MESSAGE-INTEGRITY has 16 bytes, not 20",
    ),
    "integrity of SHA-256 size": (
        message(attribute(MESSAGE_INTEGRITY, bytes(32))),
        "MESSAGE-INTEGRITY has 32 bytes, not 20",
    ),
    "fingerprint wrong": (REQUEST[:-1] + bytes([REQUEST[-1] ^ 1]), "FINGERPRINT does not match"),
    "fingerprint of 8 bytes": (
        message(attribute(FINGERPRINT, bytes(8))),
        "FINGERPRINT is not the last attribute, or not of four bytes",
    ),
    "attribute after fingerprint": (
        message(with_fingerprint(message(b""))[20:] + attribute(USE_CANDIDATE, b"")),
        "FINGERPRINT is not the last attribute, or not of four bytes",
    ),
    "two fingerprints": (
        message(with_fingerprint(message(b""))[20:] * 2),
        "FINGERPRINT is not the last attribute, or not of four bytes",
    ),
}


@pytest.mark.parametrize(("data", "detail"), REFUSED.values(), ids=REFUSED)
def test_malformed_messages_are_refused_with_the_reason(data: bytes, detail: str) -> None:
    with pytest.raises(StunError) as caught:
        parse_stun(data)
    assert caught.value.detail == detail
    assert caught.value.status == 400


def test_32_attributes_are_still_taken() -> None:
    assert len(parse_stun(message(attribute(0x8022, b"") * 32)).attributes) == 32


@pytest.mark.parametrize(
    ("wire", "kind"), [(0x0001, 0), (0x0011, 1), (0x0101, 2), (0x0111, 3)], ids=[k.name for k in StunClass]
)
def test_class_and_method_are_read_from_the_interleaved_type(wire: int, kind: int) -> None:
    parsed = parse_stun(message(b"", kind=wire | 0x3EEE))
    assert (parsed.kind, parsed.method) == (StunClass(kind), 0xFFF)


def test_attributes_after_integrity_are_not_exposed() -> None:
    until_integrity = REQUEST[:-8]
    appended = until_integrity[20:] + attribute(USERNAME, b"mallory") + attribute(0x8022, b"evil")
    parsed = parse_stun(with_fingerprint(message(appended)))
    assert check_integrity(parsed, PASSWORD)
    assert parsed.username == "theirs:ours"
    assert parsed.get(0x8022) is None


def test_use_candidate_appended_by_a_third_party_does_not_count() -> None:
    plain = binding_request(TRANSACTION, "a:b", PASSWORD, priority=1, tie_breaker=7, use_candidate=False)
    parsed = parse_stun(with_fingerprint(message(plain[20:-8] + attribute(USE_CANDIDATE, b""))))
    assert check_integrity(parsed, PASSWORD)
    assert not parsed.use_candidate


def test_the_first_of_two_attributes_counts() -> None:
    parsed = parse_stun(message(attribute(USERNAME, b"first") + attribute(USERNAME, b"second")))
    assert parsed.username == "first"


def test_message_without_integrity_never_passes() -> None:
    parsed = parse_stun(message(attribute(USERNAME, b"theirs:ours")))
    assert not check_integrity(parsed, b"")
    assert not check_integrity(parsed, PASSWORD)


def test_username_that_is_not_utf8_is_none() -> None:
    assert parse_stun(message(attribute(USERNAME, b"\xff\xfe"))).username is None


def test_every_flipped_bit_is_noticed() -> None:
    """Refused, or integrity fails, or FINGERPRINT (its type changed, so ignored) is reported missing."""
    for position in range(len(REQUEST)):
        for bit in range(8):
            flipped = bytearray(REQUEST)
            flipped[position] ^= 1 << bit
            try:
                parsed = parse_stun(bytes(flipped))
            except StunError:
                continue
            assert not check_integrity(parsed, PASSWORD) or not parsed.has_fingerprint


@given(st.data())
@settings(max_examples=200)
def test_any_changed_byte_before_the_fingerprint_breaks_integrity(data: st.DataObject) -> None:
    """Also when the attacker repairs the fingerprint."""
    covered = st.integers(0, len(REQUEST) - 9).filter(
        lambda at: at not in (2, 3)
    )  # the length is repaired too
    position = data.draw(covered)
    changed = bytearray(REQUEST[:-8])
    changed[position] ^= data.draw(st.integers(1, 255))
    try:
        parsed = parse_stun(with_fingerprint(bytes(changed)))
    except StunError:
        return
    assert not check_integrity(parsed, PASSWORD)


@given(st.binary(max_size=200))
@settings(max_examples=200)
def test_any_bytes_raise_nothing_but_stun_error(data: bytes) -> None:
    read_everything(data)


@given(st.binary(max_size=120), st.integers(0, 0x3FFF))
@settings(max_examples=200)
def test_any_body_behind_a_right_header_raises_nothing_but_stun_error(body: bytes, kind: int) -> None:
    read_everything(message(body + bytes(-len(body) % 4), kind=kind))


def read_everything(data: bytes) -> None:
    try:
        parsed = parse_stun(data)
    except StunError:
        return
    assert parsed.raw == data
    assert not check_integrity(parsed, PASSWORD)
    assert parsed.username is None or isinstance(parsed.username, str)
    try:
        host, port = mapped_address(parsed)
    except StunError:
        return
    assert host and 0 <= port <= 65535


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\x00\x01",
        b"\x00\x01" + bytes(5),
        b"\x00\x03" + bytes(6),
        b"\x00\x01" + bytes(18),
        b"\x00\x02" + bytes(6),
        b"\x00\x02" + bytes(22),
    ],
)
def test_malformed_mapped_address_is_a_stun_error(value: bytes) -> None:
    parsed = parse_stun(message(attribute(0x0020, value), kind=0x0101))
    with pytest.raises(StunError, match="no well-formed mapped address"):
        mapped_address(parsed)


def test_plain_mapped_address_is_read_when_there_is_no_xor_one() -> None:
    value = b"\x00\x01" + (4242).to_bytes(2, "big") + bytes((192, 0, 2, 7))
    assert mapped_address(parse_stun(message(attribute(0x0001, value), kind=0x0101))) == ("192.0.2.7", 4242)


ADDRESSES = st.tuples(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str), st.integers(0, 65535))


@given(ADDRESSES, st.binary(min_size=12, max_size=12))
@settings(max_examples=200)
def test_success_carries_the_address_there_and_back(address: tuple[str, int], transaction_id: bytes) -> None:
    request = parse_stun(
        binding_request(transaction_id, "a:b", PASSWORD, priority=1, tie_breaker=2, use_candidate=False)
    )
    response = parse_stun(binding_success(request, address, b"ours"))
    assert (response.kind, response.transaction_id) == (StunClass.SUCCESS, transaction_id)
    assert check_integrity(response, b"ours")
    assert mapped_address(response) == address


def test_our_request_is_read_by_aioice() -> None:
    theirs = aioice.stun.parse_message(REQUEST)
    assert theirs.message_method is aioice.stun.Method.BINDING
    assert theirs.message_class is aioice.stun.Class.REQUEST
    assert theirs.check_message_integrity(PASSWORD)
    assert theirs.attributes["USERNAME"] == "theirs:ours"
    assert theirs.attributes["PRIORITY"] == 0x6E0001FF
    assert theirs.attributes["ICE-CONTROLLING"] == 7
    assert "USE-CANDIDATE" in theirs.attributes


@pytest.mark.parametrize("address", [("192.0.2.9", 51234), ("2001:db8::9", 51234)])
def test_our_success_is_read_by_aioice(address: tuple[str, int]) -> None:
    theirs = aioice.stun.parse_message(binding_success(parse_stun(REQUEST), address, PASSWORD))
    assert theirs.message_class is aioice.stun.Class.RESPONSE
    assert theirs.check_message_integrity(PASSWORD)
    assert theirs.attributes["XOR-MAPPED-ADDRESS"] == address


@pytest.mark.parametrize("password", [PASSWORD, None])
def test_our_error_is_read_by_aioice(password: bytes | None) -> None:
    data = binding_error(parse_stun(REQUEST), 487, "Role Conflict", password)
    theirs = aioice.stun.parse_message(data)
    assert theirs.message_class is aioice.stun.Class.ERROR
    assert theirs.attributes["ERROR-CODE"] == (487, "Role Conflict")
    assert theirs.check_message_integrity(PASSWORD) == (password is not None)
    assert parse_stun(data).get(ERROR_CODE) == b"\x00\x00\x04\x57Role Conflict"


def test_request_of_aioice_is_read() -> None:
    theirs = aioice.stun.Message(
        aioice.stun.Method.BINDING, aioice.stun.Class.REQUEST, transaction_id=TRANSACTION
    )
    theirs.attributes["USERNAME"] = "theirs:ours"
    theirs.attributes["PRIORITY"] = 1853824767
    theirs.attributes["ICE-CONTROLLING"] = 99
    theirs.attributes["USE-CANDIDATE"] = None
    theirs.add_message_integrity(PASSWORD)
    parsed = parse_stun(bytes(theirs))
    assert check_integrity(parsed, PASSWORD)
    assert (parsed.username, parsed.use_candidate, parsed.has_fingerprint) == ("theirs:ours", True, True)
    assert parsed.get(ICE_CONTROLLING) == (99).to_bytes(8, "big")


def test_a_controlled_agent_says_so() -> None:
    data = binding_request(
        TRANSACTION, "a:b", PASSWORD, priority=1, tie_breaker=5, use_candidate=False, controlling=False
    )
    parsed = parse_stun(data)
    assert parsed.get(ICE_CONTROLLED) == (5).to_bytes(8, "big")
    assert parsed.get(ICE_CONTROLLING) is None


def test_arguments_that_make_no_message_are_our_error() -> None:
    request = StunMessage(StunClass.REQUEST, 1, b"short", (), b"")
    with pytest.raises(LocalError, match="transaction id has 5 bytes"):
        binding_success(request, ("192.0.2.1", 1), PASSWORD)
    with pytest.raises(LocalError, match="200 is not a STUN error code"):
        binding_error(request, 200, "OK", PASSWORD)

"""STUN in C gives the same verdicts and the same bytes as core/webrtc/stun.py."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.webrtc import stun
from stentor.core.webrtc.stun import StunError, StunMessage, binding_request, check_integrity, parse_stun
from support.native_parts import address, exact, ffi, hmac_sha1_key, library
from support.wire_samples import stun_sample

RFC5769_PASSWORD = b"VOkJxbRl1RmTxUk/WvJxBt"
SAMPLES = [stun_sample(f"rfc5769_{name}") for name in ("request", "response_ipv4", "response_ipv6")]
PASSWORD = b"the password of the other side"
TRANSACTION = bytes(range(12))

attribute_types = st.sampled_from([0x0006, 0x0008, 0x0020, 0x0024, 0x0025, 0x8022, 0x802A]) | st.integers(
    0, 0xFFFF
)
attributes = st.tuples(attribute_types, st.binary(max_size=40) | st.text(max_size=20).map(str.encode))


def in_c(data: bytes) -> tuple[object, ...] | None:
    """What the C parser says, in the terms of `in_python`."""
    lib, message, kept = library(), ffi.new("struct stn_stun *"), exact(data)
    if not lib.stn_stun_parse(kept, len(data), message):
        return None
    username = (
        None
        if message.username == ffi.NULL
        else bytes(ffi.buffer(message.username, message.username_size)).decode()
    )
    ufrag = lib.stn_stun_ufrag(message)
    return (
        message.kind,
        message.method,
        bytes(ffi.buffer(message.transaction, 12)),
        username,
        b"" if ufrag.data == ffi.NULL else bytes(ffi.buffer(ufrag.data, ufrag.len)),
        message.use_candidate,
        message.has_fingerprint,
        message.integrity_at,
        message.attributes,
        lib.stn_stun_check_integrity(message, hmac_sha1_key(PASSWORD)),
    )


def in_python(data: bytes) -> tuple[object, ...] | None:
    try:
        message = parse_stun(data)
    except StunError:
        return None
    return (
        message.kind,
        message.method,
        message.transaction_id,
        message.username,
        (message.username or "").partition(":")[0].encode(),
        message.use_candidate,
        message.has_fingerprint,
        max(0, message.integrity_at),
        len(message.attributes),
        check_integrity(message, PASSWORD),
    )


def built(kind: int, parts: list[tuple[int, bytes]], *, integrity: bool, fingerprint: bool) -> bytes:
    """A message with these attributes, whatever they are, and right closing attributes if asked for."""
    body = b"".join(
        struct.pack("!HH", part, len(value)) + value + bytes(-len(value) % 4) for part, value in parts
    )
    data = struct.pack("!HHI", kind, len(body), 0x2112A442) + TRANSACTION + body
    if integrity:
        mac = stun._integrity(data, PASSWORD)
        data = stun._with_length(data, len(data) - 20 + 24) + struct.pack("!HH", 8, 20) + mac
    if fingerprint:
        data = stun._with_length(data, len(data) - 20 + 8)
        data += struct.pack("!HHI", 0x8028, 4, zlib.crc32(data) ^ 0x5354554E)
    return data


@pytest.mark.parametrize("data", SAMPLES)
def test_rfc5769_vectors_are_read_and_verified(data: bytes) -> None:
    lib, message, kept = library(), ffi.new("struct stn_stun *"), exact(data)
    assert lib.stn_stun_parse(kept, len(data), message)
    assert lib.stn_stun_check_integrity(message, hmac_sha1_key(RFC5769_PASSWORD))
    assert not lib.stn_stun_check_integrity(message, hmac_sha1_key(RFC5769_PASSWORD + b"x"))
    assert in_c(data) == in_python(data)


@given(data=st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_get_the_same_verdict(data: bytes) -> None:
    assert in_c(data) == in_python(data)


@given(
    kind=st.sampled_from([0x0001, 0x0101, 0x0111, 0x0011]) | st.integers(0, 0xFFFF),
    parts=st.lists(attributes, max_size=6) | st.lists(attributes, min_size=31, max_size=33),
    integrity=st.booleans(),
    fingerprint=st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_any_attributes_get_the_same_verdict(
    kind: int, parts: list[tuple[int, bytes]], integrity: bool, fingerprint: bool
) -> None:
    data = built(kind, parts, integrity=integrity, fingerprint=fingerprint)
    assert in_c(data) == in_python(data)


@given(
    username=st.text(max_size=120),
    use_candidate=st.booleans(),
    at=st.integers(0, 300),
    flip=st.integers(0, 255),
    cut=st.integers(0, 8),
)
@settings(max_examples=300, deadline=None)
def test_damaged_requests_get_the_same_verdict(
    username: str, use_candidate: bool, at: int, flip: int, cut: int
) -> None:
    data = bytearray(
        binding_request(
            TRANSACTION, username, PASSWORD, priority=1, tie_breaker=2, use_candidate=use_candidate
        )
    )
    data[at % len(data)] ^= flip
    whole = bytes(data[: len(data) - cut])
    assert in_c(whole) == in_python(whole)


@given(
    data=st.binary(max_size=8)
    | st.lists(st.sampled_from(b"\x00\x7f\x80\x8f\x90\x9f\xa0\xbf\xc1\xc2\xdf\xe0\xe1\xed\xf0\xf3\xf4\xf5"))
    .map(bytes)
    .filter(lambda data: len(data) < 9)
)
@settings(max_examples=500, deadline=None)
def test_utf8_is_judged_as_python_judges_it(data: bytes) -> None:
    try:
        valid = data.decode() is not None
    except UnicodeDecodeError:
        valid = False
    assert library().stn_is_utf8(exact(data), len(data)) == valid


@given(data=st.binary(max_size=300))
def test_crc32_is_that_of_zlib(data: bytes) -> None:
    assert library().stn_crc32(data, len(data)) == zlib.crc32(data)


@given(
    host=st.ip_addresses().map(str),
    port=st.integers(0, 65535),
    transaction=st.binary(min_size=12, max_size=12),
    password=st.binary(max_size=80),
)
@settings(max_examples=200, deadline=None)
def test_success_answers_are_the_same_bytes(
    host: str, port: int, transaction: bytes, password: bytes
) -> None:
    if host.startswith("::ffff:"):
        return  # IPv4 by another name: the C core knows one form of it
    request = StunMessage(stun.StunClass.REQUEST, 1, transaction, (), b"")
    out = ffi.new("uint8_t[76]")
    size = library().stn_stun_success(out, transaction, address(host, port), hmac_sha1_key(password))
    assert bytes(ffi.buffer(out, size)) == stun.binding_success(request, (host, port), password)

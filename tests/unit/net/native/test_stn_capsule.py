"""Capsules in C: the same verdicts, fields and passwords as core/webrtc/capsule.py."""

from __future__ import annotations

import base64
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.webrtc.capsule import (
    CAPSULE_CHARS,
    Capsule,
    CapsuleError,
    PeerKind,
    ice_password,
    open_capsule,
    seal_capsule,
)
from support.native_parts import exact, ffi, hmac_sha256_key, library

SECRET = bytes(range(32))
KEY_ID = 3
VERDICTS = ("ok", "format", "version", "key", "mac")
ICE_CHARS = string.ascii_letters + string.digits + "+/"

bytes8 = st.binary(min_size=8, max_size=8)
octet = st.integers(0, 255)
capsules = st.builds(
    Capsule,
    shard=st.integers(0, 0xFFFFFFFF),
    key_id=st.just(KEY_ID) | octet,
    kind=st.sampled_from(PeerKind),
    session=bytes8,
    ticket=bytes8,
    event=bytes8,
    generation=octet,
    opus_pt=st.integers(0, 127),
    red_pt=st.none() | st.integers(0, 127),
    maxptime=octet,
    fingerprint_digest=st.binary(min_size=16, max_size=16),
    expires_at=st.integers(0, 2**40).map(lambda ms: ms / 1000),
    returning=st.booleans(),
)
SAMPLE = Capsule(
    shard=7,
    key_id=KEY_ID,
    kind=PeerKind.LISTENER,
    session=b"session1",
    ticket=b"ticket-1",
    event=b"event--1",
    generation=0,
    opus_pt=111,
    red_pt=63,
    maxptime=120,
    fingerprint_digest=bytes(16),
    expires_at=5.0,
)


def slice_of(text: bytes) -> tuple[object, object]:
    """A stn_slice and the memory it points to."""
    kept = exact(text)
    return ffi.new("stn_slice *", {"data": kept, "len": len(text)})[0], kept


def in_c(text: bytes, secret: bytes = SECRET, key_id: int = KEY_ID) -> str | Capsule:
    opened, (ufrag, _kept) = ffi.new("struct stn_capsule *"), slice_of(text)
    verdict = library().stn_capsule_open(ufrag, hmac_sha256_key(secret), key_id, opened)
    if verdict:
        return VERDICTS[verdict]
    return Capsule(
        shard=opened.shard,
        key_id=opened.key_id,
        kind=PeerKind(opened.kind),
        session=bytes(opened.session),
        ticket=bytes(opened.ticket),
        event=bytes(opened.event),
        generation=opened.generation,
        opus_pt=opened.opus_pt,
        red_pt=None if opened.red_pt == 255 else opened.red_pt,
        maxptime=opened.maxptime,
        fingerprint_digest=bytes(opened.fingerprint_digest),
        expires_at=opened.expires_at_ms / 1000,
        returning=bool(opened.returning),
    )


def in_python(text: bytes, secret: bytes = SECRET, key_id: int = KEY_ID) -> str | Capsule:
    try:
        return open_capsule(text.decode("latin-1"), secret, key_id=key_id)
    except CapsuleError as error:
        return error.reason


@given(capsule=capsules)
@settings(max_examples=200, deadline=None)
def test_valid_capsules_are_read_alike(capsule: Capsule) -> None:
    text = seal_capsule(capsule, SECRET).encode()
    assert in_c(text) == in_python(text)
    assert in_c(text, key_id=capsule.key_id) == capsule


def test_a_capsule_of_another_secret_is_forged() -> None:
    text = seal_capsule(SAMPLE, b"x" * 32).encode()
    assert in_c(text) == in_python(text) == "mac"


def test_a_capsule_of_a_former_life_names_another_key() -> None:
    assert in_c(seal_capsule(SAMPLE, SECRET).encode(), key_id=4) == "key"


def test_every_changed_character_is_refused() -> None:
    text = seal_capsule(SAMPLE, SECRET)
    for at in range(CAPSULE_CHARS):
        other = "A" if text[at] != "A" else "B"
        changed = (text[:at] + other + text[at + 1 :]).encode()
        assert in_c(changed) == in_python(changed) != SAMPLE


@given(first=capsules, second=capsules, at=st.integers(1, CAPSULE_CHARS - 1))
@settings(max_examples=200, deadline=None)
def test_two_capsules_spliced_get_the_same_verdict(first: Capsule, second: Capsule, at: int) -> None:
    one, other = seal_capsule(first, SECRET), seal_capsule(second, SECRET)
    spliced = (one[:at] + other[at:]).encode()
    assert in_c(spliced) == in_python(spliced)


@pytest.mark.parametrize("size", [0, 1, 99, 101, 200])
def test_other_lengths_are_no_capsules(size: int) -> None:
    text = (seal_capsule(SAMPLE, SECRET) * 2).encode()[:size]
    assert in_c(text) == in_python(text) == "format"


@given(text=st.binary(min_size=100, max_size=100) | st.text(ICE_CHARS + "=-_ ", min_size=100, max_size=100))
@settings(max_examples=200, deadline=None)
def test_any_text_of_the_length_gets_the_same_verdict(text: bytes | str) -> None:
    data = text if isinstance(text, bytes) else text.encode()
    assert in_c(data) == in_python(data)


def test_an_unknown_kind_with_a_right_mac_is_refused() -> None:
    import hashlib
    import hmac

    body = bytearray(base64.b64decode(seal_capsule(SAMPLE, SECRET))[:59])
    body[6] = 3
    mac = hmac.new(SECRET, b"stentor capsule\0" + body, hashlib.sha256).digest()[:16]
    text = base64.b64encode(bytes(body) + mac)
    assert in_c(text) == in_python(text) == "format"


@given(now_ms=st.integers(0, 2**41), expires_ms=st.integers(0, 2**41))
def test_expiry_is_the_same_moment(now_ms: int, expires_ms: int) -> None:
    capsule = ffi.new("struct stn_capsule *", {"expires_at_ms": expires_ms})
    assert library().stn_capsule_expired(capsule, now_ms * 1_000_000) == (now_ms >= expires_ms)


@pytest.mark.parametrize("now", [0, 5_000_000_000, 2**63 - 1])
def test_the_latest_expiry_that_fits_never_overflows(now: int) -> None:
    assert not library().stn_capsule_expired(
        ffi.new("struct stn_capsule *", {"expires_at_ms": 2**64 - 1}), now
    )


@given(capsule=capsules, secret=st.binary(min_size=1, max_size=100))
@settings(max_examples=100, deadline=None)
def test_passwords_are_the_same_bytes(capsule: Capsule, secret: bytes) -> None:
    text = seal_capsule(capsule, secret)
    password, (ufrag, _kept) = ffi.new("uint8_t[32]"), slice_of(text.encode())
    library().stn_capsule_password(ufrag, hmac_sha256_key(secret), password)
    assert bytes(password).decode() == ice_password(text, secret)


@given(capsule=capsules, secret=st.binary(min_size=1, max_size=32))
@settings(max_examples=50, deadline=None)
def test_peeking_reads_what_nobody_has_verified(capsule: Capsule, secret: bytes) -> None:
    named, (ufrag, _kept) = ffi.new("struct stn_capsule *"), slice_of(seal_capsule(capsule, secret).encode())
    assert library().stn_capsule_peek(ufrag, named) == 0
    assert (named.shard, bytes(named.session)) == (capsule.shard, capsule.session)

"""The capsule: there and back, and nothing but what we sealed is ever opened."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.errors import LocalError
from stentor.core.webrtc.capsule import (
    CAPSULE_CHARS,
    Capsule,
    CapsuleError,
    PeerKind,
    fingerprint_digest,
    ice_password,
    open_capsule,
    peek_capsule,
    peek_shard,
    seal_capsule,
)

SECRET = bytes(range(32))
ICE_CHARS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
CAPSULE = Capsule(
    shard=0xA1B2C3D4,
    key_id=9,
    kind=PeerKind.LISTENER,
    session=b"session!",
    ticket=b"ticket.!",
    event=b"event..!",
    generation=3,
    opus_pt=111,
    red_pt=63,
    maxptime=60,
    fingerprint_digest=bytes(range(16)),
    expires_at=12345.678,
)
SEALED = seal_capsule(CAPSULE, SECRET)


def bytes_of(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


CAPSULES = st.builds(
    Capsule,
    shard=st.integers(0, 2**32 - 1),
    key_id=st.integers(0, 255),
    kind=st.sampled_from(PeerKind),
    session=bytes_of(8),
    ticket=bytes_of(8),
    event=bytes_of(8),
    generation=st.integers(0, 255),
    opus_pt=st.integers(0, 127),
    red_pt=st.none() | st.integers(0, 127),
    maxptime=st.integers(0, 255),
    fingerprint_digest=bytes_of(16),
    expires_at=st.integers(0, 2**48).map(lambda ms: ms / 1000),
    returning=st.booleans(),
)


@given(CAPSULES, bytes_of(32))
@settings(max_examples=200)
def test_what_was_sealed_is_opened(capsule: Capsule, secret: bytes) -> None:
    ufrag = seal_capsule(capsule, secret)
    assert open_capsule(ufrag, secret, key_id=capsule.key_id) == capsule
    assert peek_shard(ufrag) == capsule.shard


@given(CAPSULES)
@settings(max_examples=100)
def test_a_ufrag_is_of_ice_chars_and_fits_the_username_buffer_of_ffmpeg(capsule: Capsule) -> None:
    ufrag = seal_capsule(capsule, SECRET)
    assert re.fullmatch(r"[A-Za-z0-9+/]{100}", ufrag)
    assert len(ufrag) + len(":01234567") < 128


def test_every_changed_character_is_noticed() -> None:
    for position in range(CAPSULE_CHARS):
        for character in ICE_CHARS:
            if character != SEALED[position]:
                changed = SEALED[:position] + character + SEALED[position + 1 :]
                with pytest.raises(CapsuleError):
                    open_capsule(changed, SECRET, key_id=9)


@given(bytes_of(32))
@settings(max_examples=50)
def test_another_secret_opens_nothing(secret: bytes) -> None:
    if secret != SECRET:
        assert reason_of(SEALED, secret=secret) == "mac"


def with_byte(offset: int, value: int) -> str:
    data = bytearray(base64.b64decode(SEALED))
    data[offset] = value
    return base64.b64encode(data).decode()


REFUSED = {
    "empty": ("", "format"),
    "a browser's own ufrag": ("Gn/n", "format"),
    "one character short": (SEALED[:-1], "format"),
    "one character long": (SEALED + "A", "format"),
    "four characters long": (SEALED + "AAAA", "format"),
    "padding": (SEALED[:-1] + "=", "format"),
    "two of padding": (SEALED[:-2] + "==", "format"),
    "padding in the middle": (SEALED[:50] + "=" + SEALED[51:], "format"),
    "base64url": ("-" + SEALED[1:], "format"),
    "a space": (" " + SEALED[1:], "format"),
    "a line end": (SEALED[:-1] + "\n", "format"),
    "a colon": (SEALED[:40] + ":" + SEALED[41:], "format"),
    "not ASCII": ("é" + SEALED[1:], "format"),
    "a lone surrogate": ("\udc80" + SEALED[1:], "format"),
    "version 0": (with_byte(0, 0), "version"),
    "version 2": (with_byte(0, 2), "version"),
    "key of a former life": (with_byte(1, 8), "key"),
    "another shard": (with_byte(5, 0), "mac"),
    "kind changed to publisher": (with_byte(6, 1), "mac"),
    "kind that does not exist": (with_byte(6, 9), "mac"),
    "expiry far away": (with_byte(51, 255), "mac"),
    "MAC changed": (with_byte(74, base64.b64decode(SEALED)[74] ^ 1), "mac"),
}


def reason_of(ufrag: str, *, secret: bytes = SECRET) -> str:
    with pytest.raises(CapsuleError) as caught:
        open_capsule(ufrag, secret, key_id=9)
    assert caught.value.status == 404
    return caught.value.reason


@pytest.mark.parametrize(("ufrag", "reason"), REFUSED.values(), ids=REFUSED)
def test_whatever_we_did_not_seal_is_refused_with_the_reason(ufrag: str, reason: str) -> None:
    assert reason_of(ufrag) == reason


@given(st.text(max_size=120) | st.text(ICE_CHARS, min_size=100, max_size=100))
@settings(max_examples=200)
def test_any_text_raises_nothing_but_capsule_error(text: str) -> None:
    with pytest.raises(CapsuleError):
        open_capsule(text, SECRET, key_id=9)
    try:
        assert 0 <= peek_shard(text) < 2**32
    except CapsuleError as error:
        assert error.reason in ("format", "version")


def test_shard_is_peeked_without_the_secret() -> None:
    assert peek_shard(with_byte(6, 9)) == 0xA1B2C3D4
    with pytest.raises(CapsuleError):
        peek_shard("nonsense")


def test_expiry_is_the_callers_question() -> None:
    opened = open_capsule(SEALED, SECRET, key_id=9)
    assert not opened.is_expired(12345.677)
    assert opened.is_expired(12345.678)


OUT_OF_RANGE = [
    {"shard": 2**32},
    {"shard": -1},
    {"key_id": 256},
    {"generation": 256},
    {"opus_pt": 128},
    {"red_pt": 255},
    {"maxptime": 256},
    {"session": b"short"},
    {"ticket": bytes(9)},
    {"event": b""},
    {"fingerprint_digest": bytes(32)},
    {"expires_at": -1.0},
    {"expires_at": float("nan")},
    {"expires_at": float("inf")},
]


@pytest.mark.parametrize("fields", OUT_OF_RANGE, ids=str)
def test_a_field_that_does_not_fit_is_our_error(fields: dict[str, object]) -> None:
    with pytest.raises(LocalError, match="capsule"):
        seal_capsule(dataclasses.replace(CAPSULE, **fields), SECRET)  # type: ignore[arg-type]


def test_password_is_32_ice_chars_and_belongs_to_ufrag_and_secret() -> None:
    password = ice_password(SEALED, SECRET)
    assert re.fullmatch(r"[A-Za-z0-9+/]{32}", password)
    assert password == ice_password(SEALED, SECRET)
    assert password != ice_password(SEALED, SECRET[::-1])
    assert password != ice_password(seal_capsule(dataclasses.replace(CAPSULE, generation=4), SECRET), SECRET)


@given(st.text(max_size=300))
@settings(max_examples=100)
def test_any_ufrag_has_a_password(ufrag: str) -> None:
    """A forged one too: whether it is forged is the MAC's question."""
    assert len(ice_password(ufrag, SECRET)) == 32


def test_fingerprint_digest_is_16_bytes_of_its_own() -> None:
    digest = fingerprint_digest(bytes(32))
    assert len(digest) == 16
    assert digest != fingerprint_digest(bytes(31) + b"\x01")


def test_peeking_names_the_session_without_the_secret():
    ufrag = seal_capsule(CAPSULE, SECRET)
    assert peek_capsule(ufrag) == (CAPSULE.session, CAPSULE.ticket, CAPSULE.event, False)
    back = dataclasses.replace(CAPSULE, returning=True)
    assert peek_capsule(seal_capsule(back, SECRET)).returning


def test_nobody_makes_himself_one_who_returns():
    opus_pt = 32
    assert base64.b64decode(SEALED)[opus_pt] == CAPSULE.opus_pt
    assert reason_of(with_byte(opus_pt, CAPSULE.opus_pt | 0x80)) == "mac"


@given(st.text(max_size=110))
@settings(max_examples=200)
def test_peeking_into_any_text_raises_nothing_but_capsule_errors(text: str):
    with contextlib.suppress(CapsuleError):
        peek_capsule(text)

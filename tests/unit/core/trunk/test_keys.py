from __future__ import annotations

import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.errors import LocalError
from stentor.core.trunk.keys import derive_trunk_keys

SECRET = bytes(range(32))
GIVEN = {
    "nonce_c": b"c" * 16,
    "nonce_p": b"p" * 16,
    "parent": b"parent..",
    "child": b"child...",
    "event": b"event...",
    "epoch": 7,
}


def hkdf(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 sections 2.2 and 2.3, for at most 32 bytes."""
    return hmac.digest(hmac.digest(salt, secret, "sha256"), info + b"\x01", "sha256")[:length]


def test_keys_are_those_of_rfc_5869() -> None:
    keys = derive_trunk_keys(SECRET, **GIVEN)
    info = b"stentor trunkparent..child...event...\x00\x00\x00\x07"
    assert keys.key + keys.salt == hkdf(SECRET, b"c" * 16 + b"p" * 16, info, 28)
    assert (len(keys.key), len(keys.salt)) == (16, 12)


@pytest.mark.parametrize("name", GIVEN)
def test_every_input_changes_the_keys(name: str) -> None:
    value = GIVEN[name]
    other = value + 1 if isinstance(value, int) else bytes(len(value))  # type: ignore[arg-type]
    assert derive_trunk_keys(SECRET, **{**GIVEN, name: other}) != derive_trunk_keys(SECRET, **GIVEN)
    assert derive_trunk_keys(bytes(32), **GIVEN) != derive_trunk_keys(SECRET, **GIVEN)


def test_keys_are_not_printed() -> None:
    keys = derive_trunk_keys(SECRET, **GIVEN)
    assert "key=" not in repr(keys) and "salt=" not in repr(keys)


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonce_c": b"short"},
        {"nonce_p": b""},
        {"parent": b"nine char"},
        {"child": b"seven.."},
        {"event": b""},
        {"epoch": -1},
        {"epoch": 1 << 32},
    ],
)
def test_inputs_of_another_length_are_an_error_of_ours(wrong: dict[str, object]) -> None:
    with pytest.raises(LocalError):
        derive_trunk_keys(SECRET, **{**GIVEN, **wrong})


@settings(max_examples=100)
@given(st.lists(st.binary(min_size=16, max_size=16), min_size=2, max_size=8, unique=True))
def test_no_two_subscriptions_share_a_key(nonces: list[bytes]) -> None:
    made = {derive_trunk_keys(SECRET, **{**GIVEN, "nonce_c": nonce}).key for nonce in nonces}
    assert len(made) == len(nonces)

"""The signed datagram: there and back, and nothing that another key sealed is opened."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.errors import LocalError
from stentor.core.mesh.envelope import (
    MAGIC,
    MAX_BODY,
    MAX_DATAGRAM,
    Envelope,
    EnvelopeError,
    control_key,
    open_envelope,
    seal_envelope,
)

KEY = control_key(b"cluster secret".ljust(32, b"."))
ENVELOPE = Envelope(kind=7, sender=b"sender01", counter=2**40, body=b"what is said")
SEALED = seal_envelope(ENVELOPE, KEY)

ENVELOPES = st.builds(
    Envelope,
    kind=st.integers(0, 255),
    sender=st.binary(min_size=8, max_size=8),
    counter=st.integers(0, 2**64 - 1),
    body=st.binary(max_size=MAX_BODY),
)


@given(ENVELOPES)
@settings(max_examples=200)
def test_what_was_sealed_is_opened(envelope: Envelope) -> None:
    data = seal_envelope(envelope, KEY)
    assert data[0] == MAGIC and len(data) <= MAX_DATAGRAM
    assert open_envelope(data, KEY) == envelope


def test_layout_is_the_documented_one() -> None:
    assert SEALED[:19] == bytes([0xC5, 1, 7]) + b"sender01" + (2**40).to_bytes(8, "big")
    assert SEALED[19:-16] == b"what is said"


@pytest.mark.parametrize("place", range(len(SEALED)))
def test_no_bit_can_be_changed(place: int) -> None:
    forged = bytearray(SEALED)
    forged[place] ^= 1
    with pytest.raises(EnvelopeError):
        open_envelope(bytes(forged), KEY)


def test_datagram_of_another_cluster_is_refused() -> None:
    with pytest.raises(EnvelopeError) as caught:
        open_envelope(SEALED, control_key(b"another secret"))
    assert caught.value.reason == "mac"


def test_later_version_is_named_as_the_reason() -> None:
    with pytest.raises(EnvelopeError) as caught:
        open_envelope(SEALED[:1] + b"\x02" + SEALED[2:], KEY)
    assert caught.value.reason == "version"


@given(st.binary(max_size=1500) | st.binary(max_size=1300).map(lambda data: SEALED[:19] + data))
@settings(max_examples=200)
def test_any_bytes_raise_nothing_but_envelope_errors(data: bytes) -> None:
    with pytest.raises(EnvelopeError):
        open_envelope(data, KEY)


@pytest.mark.parametrize(
    "envelope",
    [
        Envelope(7, b"short", 1, b""),
        Envelope(7, bytes(8), 1, bytes(MAX_BODY + 1)),
        Envelope(256, bytes(8), 1, b""),
        Envelope(7, bytes(8), 2**64, b""),
    ],
)
def test_field_that_does_not_fit_is_our_own_fault(envelope: Envelope) -> None:
    with pytest.raises(LocalError, match="envelope"):
        seal_envelope(envelope, KEY)

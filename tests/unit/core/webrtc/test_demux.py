from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.core.webrtc.demux import Kind, classify


@pytest.mark.parametrize(
    ("first_bytes", "kind"),
    [
        ("", Kind.UNKNOWN),
        ("00", Kind.STUN),
        ("0001", Kind.STUN),
        ("0300", Kind.STUN),
        ("04", Kind.UNKNOWN),
        ("10", Kind.UNKNOWN),  # ZRTP
        ("13", Kind.UNKNOWN),
        ("14", Kind.DTLS),
        ("16fefd", Kind.DTLS),
        ("3f", Kind.DTLS),
        ("40", Kind.UNKNOWN),  # TURN channel
        ("7f", Kind.UNKNOWN),
        ("80", Kind.UNKNOWN),  # RTP or RTCP: the second byte decides
        ("806f", Kind.RTP),
        ("80ef", Kind.RTP),  # marker, payload type 111
        ("80bf", Kind.RTP),
        ("80c0", Kind.RTCP),
        ("80c8", Kind.RTCP),
        ("80c9", Kind.RTCP),
        ("81ce", Kind.RTCP),
        ("80df", Kind.RTCP),
        ("80e0", Kind.RTP),
        ("bf00", Kind.RTP),
        ("c0c8", Kind.UNKNOWN),
        ("ffff", Kind.UNKNOWN),
    ],
)
def test_first_bytes_decide(first_bytes: str, kind: Kind) -> None:
    assert classify(bytes.fromhex(first_bytes)) is kind
    if len(first_bytes) > 2:
        assert classify(bytes.fromhex(first_bytes) + b"more") is kind


@given(st.binary(max_size=8))
def test_any_bytes_have_a_kind(data: bytes) -> None:
    assert isinstance(classify(data), Kind)

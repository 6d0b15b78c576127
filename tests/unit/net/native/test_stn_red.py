"""The C variant is its Python twin, byte for byte."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.rtp.red_variant import RedHistory
from support import native_opus
from support.red_steps import streams


@settings(max_examples=300, deadline=None)
@given(streams(), st.integers(0, 2), st.integers(0, 127))
def test_variant_is_the_twins(stream: list[tuple[int, bytes]], depth: int, payload_type: int) -> None:
    twin, native = RedHistory(), native_opus.RedHistory()
    for timestamp, payload in stream:
        wanted = twin.build(payload_type, timestamp, payload, depth=depth)
        assert native.build(payload_type, timestamp, payload, depth=depth) == wanted
        twin.push(timestamp, payload)
        native.push(timestamp, payload)


def test_block_that_does_not_fit_the_buffer_is_left_out() -> None:
    native = native_opus.RedHistory()
    native.push(0, b"old")
    assert native.build(111, 960, b"now", capacity=11) == bytes.fromhex("ef0f0003 6f") + b"oldnow"
    assert native.build(111, 960, b"now", capacity=10) == b"\x6fnow"
    assert native.build(111, 960, b"now", capacity=4) == b"\x6fnow"
    assert native.build(111, 960, b"now", capacity=3) == b""


def test_packet_from_the_future_is_not_history() -> None:
    native = native_opus.RedHistory()
    native.push(2000, b"later")
    assert native.build(111, 1000, b"now") == RedHistory().build(111, 1000, b"now")

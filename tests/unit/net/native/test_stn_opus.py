"""The C repacketizer is its Python twin, byte for byte."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.opus import repacketizer, toc
from stentor.core.opus.repacketizer import PacketFrames
from stentor.core.opus.toc import OpusError
from support import native_opus
from support.opus_packets import packets


def split_or_none(packet: bytes) -> PacketFrames | None:
    try:
        return repacketizer.split_packet(packet)
    except OpusError:
        return None


def duration_or_zero(packet: bytes) -> int:
    try:
        return toc.packet_duration(packet)
    except OpusError:
        return 0


def merge_or_none(several: list[bytes], max_bytes: int) -> bytes | None:
    try:
        return repacketizer.merge(several, max_bytes=max_bytes)
    except OpusError:
        return None


def damaged(packet: bytes, position: int, byte: int, cut: int) -> bytes:
    """One byte of the first few changed, some of the end gone."""
    position %= len(packet)
    changed = packet[:position] + bytes((byte,)) + packet[position + 1 :]
    return changed[: len(changed) - cut] if cut else changed


BYTES = st.integers(0, 255)
ANY = (
    st.binary(max_size=40)
    | packets(max_size=1275)
    | st.builds(damaged, packets(max_size=60), st.integers(0, 5), BYTES, st.integers(0, 3))
    | st.builds(bytes.__add__, packets(max_count=1), st.just(bytes(1276)))
)


@settings(max_examples=800, deadline=None)
@given(ANY)
def test_packet_is_split_as_by_the_twin(packet: bytes) -> None:
    assert native_opus.split_packet(packet) == split_or_none(packet)
    assert native_opus.packet_duration(packet) == duration_or_zero(packet)


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 63).map(lambda bits: bits << 2), st.data())
def test_packets_are_merged_as_by_the_twin(head: int, data: st.DataObject) -> None:
    heads = st.sampled_from([head] * 9 + [head ^ 4])
    several = data.draw(st.lists(packets(heads=heads, max_count=12), max_size=8))
    wanted = merge_or_none(several, 1 << 16)
    limit = len(wanted) if wanted else 1150
    for max_bytes in (limit, limit - 1, 1150):
        assert native_opus.merge(several, max_bytes=max_bytes) == merge_or_none(several, max_bytes)


def test_forty_eight_frames_are_the_most() -> None:
    assert native_opus.merge([b"\x80a"] * 48, max_bytes=100) == b"\x83\x30" + b"a" * 48
    assert native_opus.merge([b"\x80a"] * 49, max_bytes=100) is None


def test_no_room_is_no_packet() -> None:
    assert native_opus.merge([b"\xf8"], max_bytes=0) is None
    assert native_opus.merge([], max_bytes=100) is None

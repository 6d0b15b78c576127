from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.opus.repacketizer import PacketFrames, merge, pack_frames, packed_size, split_packet
from stentor.core.opus.toc import MAX_PACKET_SAMPLES, OpusError, parse_toc
from support.libopus import repacketize
from support.opus_packets import packets

NO_LIMIT = 1 << 20

# RFC 6716 sections 3.2.2 to 3.2.5, one packet layout each.
SPLIT = {
    "code 0": ("f8 aabb", ["aabb"]),
    "code 0, frame not sent": ("f8", [""]),
    "code 1": ("f9 aabb ccdd", ["aabb", "ccdd"]),
    "code 2": ("fa 01 aa bbcc", ["aa", "bbcc"]),
    "code 2, nothing left for the second": ("fa 01 aa", ["aa", ""]),
    "code 2, size of two bytes": ("fa fc 01" + "11" * 256 + "22", ["11" * 256, "22"]),
    "code 3 CBR": ("fb 03 aa bb cc", ["aa", "bb", "cc"]),
    "code 3 CBR, padded": ("fb 43 02 aa bb cc 0000", ["aa", "bb", "cc"]),
    "code 3 CBR, frames not sent": ("fb 03", ["", "", ""]),
    "code 3 VBR": ("fb 83 01 02 aa bbbb cc", ["aa", "bbbb", "cc"]),
    "code 3 VBR, padded": ("fb c2 01 01 aa bbbb 00", ["aa", "bbbb"]),
    "code 3, padding of 254": ("fb 41 ff00 aa" + "00" * 254, ["aa"]),
    "code 3, padding of 255": ("fb 41 ff01 aa" + "00" * 255, ["aa"]),
    "code 3, one frame": ("fb 01 aabb", ["aabb"]),
}

REFUSED = {
    "code 2, second frame of 1276 bytes": "fa 01 aa" + "00" * 1276,
    "code 3 CBR, remainder": "fb 02 aabbcc",
    "code 3 CBR, frame of 1276 bytes": "fb 01" + "00" * 1276,
    "code 3, padding length missing": "fb 41",
    "code 3, padding length cut off": "fb 41 ff",
    "code 3, more padding than packet": "fb 41 02 00",
    "code 3 VBR, size missing": "fb 82",
    "code 3 VBR, size cut off": "fb 82 fc",
    "code 3 VBR, frame longer than packet": "fb 82 02 aa",
    "code 3 VBR, frames longer than packet": "fb 83 02 01 aabb",
    "code 3 VBR, size in the padding": "fb c2 01 01 00",
    "code 3 VBR, last frame of 1276 bytes": "fb 82 00" + "00" * 1276,
}

MERGED = {
    "one stays one": (["f8 aa"], "f8 aa"),
    "two of one size make code 1": (["f8 aa", "f8 bb"], "f9 aabb"),
    "two of different size make code 2": (["f8 aa", "f8 bbcc"], "fa 01 aabbcc"),
    "three of one size make code 3 CBR": (["f8 aa", "f8 bb", "f8 cc"], "fb 03 aabbcc"),
    "three of different size make code 3 VBR": (["f8 aa", "f8", "f8 cc"], "fb 83 01 00 aacc"),
    "code 1 and code 2": (["f9 aabb", "fa 00 cc"], "fb 84 01 01 00 aabb cc"),
    "padding is not carried on": (["fb 41 02 aa 0000", "f8 bb"], "f9 aabb"),
    "six frames not sent": (["f8"] * 6, "fb 06"),
    "stereo": (["fc aa", "fc bb"], "fd aabb"),
}

APART = {
    "other configuration": ["f8 aa", "f0 aa"],
    "other channel bit": ["f8 aa", "fc aa"],
    "beyond 120 ms": ["f8 aa"] * 7,
    "beyond 120 ms in code 3": ["fb 06", "f8 aa"],
    "beyond 120 ms of 60 ms frames": ["58 aa"] * 3,
    "none at all": [],
}


def unhex(texts: list[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


@pytest.mark.parametrize(("wire", "frames"), SPLIT.values(), ids=SPLIT)
def test_every_layout_is_taken_apart(wire: str, frames: list[str]) -> None:
    packet = bytes.fromhex(wire)
    assert split_packet(packet) == PacketFrames(packet[0] & 0xFC, 960, tuple(unhex(frames)))


@pytest.mark.parametrize("wire", REFUSED.values(), ids=REFUSED)
def test_packet_whose_frames_do_not_add_up_is_refused(wire: str) -> None:
    packet = bytes.fromhex(wire)
    parse_toc(packet)  # its first bytes are in order
    with pytest.raises(OpusError):
        split_packet(packet)
    with pytest.raises(OpusError):
        merge([b"\xf8\xaa", packet], max_bytes=NO_LIMIT)


@pytest.mark.parametrize(("wires", "merged"), MERGED.values(), ids=MERGED)
def test_merged_packet_is_the_smallest(wires: list[str], merged: str) -> None:
    assert merge(unhex(wires), max_bytes=NO_LIMIT) == bytes.fromhex(merged)


@pytest.mark.parametrize("wires", APART.values(), ids=APART)
def test_what_cannot_be_one_packet_is_not_merged(wires: list[str]) -> None:
    assert merge(unhex(wires), max_bytes=NO_LIMIT) is None


def test_forty_eight_frames_are_the_most() -> None:
    merged = merge([b"\x80a"] * 48, max_bytes=NO_LIMIT)
    assert merged is not None
    assert parse_toc(merged).duration == MAX_PACKET_SAMPLES
    assert merge([b"\x80a"] * 49, max_bytes=NO_LIMIT) is None


def test_size_limit_is_the_last_byte_that_fits() -> None:
    wires = [b"\xf8" + b"a" * 300, b"\xf8" + b"b" * 200]
    assert merge(wires, max_bytes=503) is not None
    assert merge(wires, max_bytes=502) is None


@settings(max_examples=300)
@given(st.binary(max_size=40))
def test_any_bytes_are_split_or_refused(packet: bytes) -> None:
    try:
        parts = split_packet(packet)
    except OpusError:
        return
    assert parts.duration == parse_toc(packet).duration
    assert sum(map(len, parts.frames)) < len(packet)


@settings(max_examples=300)
@given(packets(max_size=1275))
def test_split_and_packed_again_is_the_same_frames_in_no_more_bytes(packet: bytes) -> None:
    parts = split_packet(packet)
    packed = pack_frames(parts.head, parts.frames)
    assert split_packet(packed) == parts
    assert len(packed) == packed_size([len(frame) for frame in parts.frames]) <= len(packet)


@settings(max_examples=300)
@given(st.integers(0, 63).map(lambda bits: bits << 2), st.data())
def test_libopus_merges_to_the_same_bytes(head: int, data: st.DataObject) -> None:
    heads = st.sampled_from([head, head, head, head, head ^ 4])
    several = data.draw(st.lists(packets(heads=heads, max_count=6), min_size=1, max_size=8))
    assert merge(several, max_bytes=NO_LIMIT) == repacketize(several)

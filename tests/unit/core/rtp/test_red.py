from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.rtp.red import MAX_LENGTH, MAX_OFFSET, RedBlock, RedError, build_red, parse_red

READ = {
    "primary alone": ("6f aabb", (RedBlock(111, 0, b"\xaa\xbb"),)),
    "empty primary": ("6f", (RedBlock(111, 0, b""),)),
    # offset 960 = 0x3c0, length 2: 1 1101111 | 00001111000000 | 0000000010
    "one redundant block": (
        "ef 0f0002 6f 1122 aa",
        (RedBlock(111, 960, b"\x11\x22"), RedBlock(111, 0, b"\xaa")),
    ),
    "block of another type": ("8d 0f0001 6f 11 aa", (RedBlock(13, 960, b"\x11"), RedBlock(111, 0, b"\xaa"))),
    "two redundant blocks": (
        "ef 1e0001 ef 0f0001 6f 11 22 aa",
        (RedBlock(111, 1920, b"\x11"), RedBlock(111, 960, b"\x22"), RedBlock(111, 0, b"\xaa")),
    ),
    "empty redundant block": ("ef 0f0000 6f aa", (RedBlock(111, 960, b""), RedBlock(111, 0, b"\xaa"))),
}

REFUSED = {
    "empty": "",
    "block header cut off": "ef 0f00",
    "no primary header": "ef 0f0001",
    "block longer than the payload": "ef 0f0003 6f 1122",
}


@pytest.mark.parametrize(("wire", "blocks"), READ.values(), ids=READ)
def test_blocks_are_read_in_wire_order(wire: str, blocks: tuple[RedBlock, ...]) -> None:
    assert parse_red(bytes.fromhex(wire)) == blocks


@pytest.mark.parametrize("wire", REFUSED.values(), ids=REFUSED)
def test_malformed_payload_is_refused(wire: str) -> None:
    with pytest.raises(RedError):
        parse_red(bytes.fromhex(wire))


def test_written_as_in_rfc_2198() -> None:
    payload = build_red(111, b"\xaa", [(1920, b"\x11"), (960, b"\x22")])
    assert payload == bytes.fromhex("ef1e0001 ef0f0001 6f 11 22 aa")


def test_redundant_frames_may_have_a_payload_type_of_their_own() -> None:
    blocks = parse_red(build_red(111, b"p", [(960, b"r")], redundant_pt=96))
    assert [block.payload_type for block in blocks] == [96, 111]


@pytest.mark.parametrize(
    ("offset", "length", "fits"),
    [
        (1, 1, True),
        (MAX_OFFSET, MAX_LENGTH, True),
        (MAX_OFFSET + 1, 1, False),
        (960, MAX_LENGTH + 1, False),
        (0, 1, False),
        (-960, 1, False),
    ],
)
def test_block_that_its_header_cannot_describe_is_left_out(offset: int, length: int, fits: bool) -> None:
    frame = b"r" * length
    blocks = parse_red(build_red(111, b"p", [(offset, frame)]))
    expected = (RedBlock(111, offset, frame),) if fits else ()
    assert blocks == (*expected, RedBlock(111, 0, b"p"))


@settings(max_examples=300)
@given(st.binary(max_size=80))
def test_any_bytes_give_blocks_or_a_red_error(data: bytes) -> None:
    try:
        blocks = parse_red(data)
    except RedError:
        return
    assert blocks[-1].timestamp_offset == 0
    assert 4 * (len(blocks) - 1) + 1 + sum(len(block.payload) for block in blocks) == len(data)


@settings(max_examples=200)
@given(
    st.binary(max_size=30),
    st.lists(st.tuples(st.integers(1, MAX_OFFSET), st.binary(max_size=30)), max_size=5),
)
def test_what_was_written_is_read(primary: bytes, redundant: list[tuple[int, bytes]]) -> None:
    blocks = parse_red(build_red(111, primary, redundant))
    assert [(block.timestamp_offset, block.payload) for block in blocks] == [*redundant, (0, primary)]

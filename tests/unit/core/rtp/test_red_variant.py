from __future__ import annotations

from hypothesis import given, settings

from stentor.core.opus.elastic import Merger
from stentor.core.rtp.red import MAX_LENGTH, MAX_OFFSET, parse_red
from stentor.core.rtp.red_variant import MAX_RED_BYTES, RedHistory
from support.red_steps import streams

TICK = 960


def blocks(payload: bytes) -> list[tuple[int, bytes]]:
    """Offset and payload of each block."""
    return [(block.timestamp_offset, block.payload) for block in parse_red(payload)]


def history(*sent: tuple[int, bytes]) -> RedHistory:
    made = RedHistory()
    for timestamp, payload in sent:
        made.push(timestamp, payload)
    return made


def test_first_packet_goes_with_nothing_before_it() -> None:
    assert RedHistory().build(111, 5, b"now") == b"\x6fnow"


def test_two_earlier_payloads_travel_oldest_first() -> None:
    past = history((0, b"lost"), (TICK, b"old"), (2 * TICK, b"new"))
    assert past.build(111, 3 * TICK, b"now") == bytes.fromhex("ef1e0003 ef0f0003 6f") + b"oldnewnow"
    assert blocks(past.build(111, 3 * TICK, b"now", depth=1)) == [(TICK, b"new"), (0, b"now")]


def test_offsets_are_those_of_the_packets_sent_across_a_ptime_switch() -> None:
    merger, past = Merger(ptime=20), RedHistory()
    offsets = []
    for number in range(30):
        if number == 6:
            merger.set_target(120)
        if number == 18:
            merger.set_target(40)
        for packet in merger.feed(number, TICK * number, b"\xf8x"):
            red = past.build(111, packet.timestamp, packet.payload)
            offsets.append([offset // TICK for offset, _ in blocks(red)])
            past.push(packet.timestamp, packet.payload)
    assert offsets[4:11] == [[2, 1, 0], [2, 1, 0], [2, 1, 0], [7, 6, 0], [12, 6, 0], [8, 2, 0], [4, 2, 0]]


def test_payload_from_before_a_long_pause_is_left_out() -> None:
    past = history((0, b"before"), (10_000, b"after"))
    assert blocks(past.build(111, MAX_OFFSET, b"now")) == [(16383, b"before"), (6383, b"after"), (0, b"now")]
    assert blocks(past.build(111, MAX_OFFSET + 1, b"now")) == [(6384, b"after"), (0, b"now")]


def test_payload_beyond_ten_bits_is_left_out() -> None:
    past = history((0, b"short"), (TICK, b"l" * (MAX_LENGTH + 1)))
    assert blocks(past.build(111, 2 * TICK, b"now")) == [(2 * TICK, b"short"), (0, b"now")]


def test_newer_payload_comes_first_when_there_is_no_room_for_both() -> None:
    past = history((0, b"o" * 500), (TICK, b"n" * 500))
    assert blocks(past.build(111, 2 * TICK, b"p" * 500)) == [(TICK, b"n" * 500), (0, b"p" * 500)]


def test_room_is_used_to_the_last_byte() -> None:
    past = history((0, b"o" * 500))
    exact = b"p" * (MAX_RED_BYTES - 1 - 4 - 500)
    assert len(past.build(111, TICK, exact)) == MAX_RED_BYTES
    assert blocks(past.build(111, TICK, exact + b"p")) == [(0, exact + b"p")]


def test_primary_always_travels_however_long() -> None:
    assert blocks(history((0, b"old")).build(111, TICK, b"p" * 1300)) == [(0, b"p" * 1300)]


@settings(max_examples=200, deadline=None)
@given(streams())
def test_every_block_is_a_packet_that_was_sent_at_that_distance(stream: list[tuple[int, bytes]]) -> None:
    past, sent = RedHistory(), dict[int, bytes]()
    for timestamp, payload in stream:
        red = past.build(111, timestamp, payload)
        *earlier, primary = blocks(red)
        assert primary == (0, payload)
        assert len(red) <= max(MAX_RED_BYTES, len(payload) + 1)
        assert [sent[timestamp - offset] for offset, _ in earlier] == [block for _, block in earlier]
        assert len(earlier) <= 2
        past.push(timestamp, payload)
        sent[timestamp] = payload

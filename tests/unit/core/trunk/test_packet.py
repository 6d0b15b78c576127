from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.errors import LocalError
from stentor.core.rtp.packet import parse_rtp, rtp_header
from stentor.core.rtp.red import MAX_LENGTH, MAX_OFFSET, parse_red
from stentor.core.stage.program import ProgramFrame
from stentor.core.trunk.keys import PROFILE, TrunkKeys
from stentor.core.trunk.packet import (
    MAX_DISTANCE,
    TrunkError,
    TrunkFrame,
    TrunkReceiver,
    TrunkSender,
    build_trunk_payload,
    parse_trunk_payload,
)
from stentor.core.webrtc.srtp import Opener, RtpSealer

KEYS = TrunkKeys(bytes(range(16)), bytes(range(50, 62)))
SSRC = 0xCAFE0001


def frame(sequence: int, timestamp: int | None = None, payload: bytes | None = None) -> ProgramFrame:
    body = b"\xf8" + sequence.to_bytes(5, "big") if payload is None else payload
    return ProgramFrame(sequence, sequence * 960 if timestamp is None else timestamp, body, 960)


def low(taken: ProgramFrame) -> TrunkFrame:
    return TrunkFrame(taken.sequence & 0xFFFF, taken.timestamp & 0xFFFFFFFF, taken.payload)


# -- payload ----------------------------------------------------------------------------------------------


def test_redundant_block_says_how_many_sequence_numbers_it_is_older() -> None:
    payload = build_trunk_payload(frame(10, 9600, b"c"), [frame(7, 6720, b"a"), frame(9, 8640, b"b")])
    blocks = parse_red(payload)
    assert [(block.payload_type, block.timestamp_offset, block.payload) for block in blocks] == [
        (99, 2880, b"a"),
        (97, 960, b"b"),
        (96, 0, b"c"),
    ]


@pytest.mark.parametrize(
    ("distance", "offset", "length", "fits"),
    [
        (1, 1, 0, True),
        (MAX_DISTANCE, MAX_OFFSET, MAX_LENGTH, True),
        (MAX_DISTANCE + 1, 960, 10, False),
        (1, MAX_OFFSET + 1, 10, False),
        (1, 960, MAX_LENGTH + 1, False),
        (0, 960, 10, False),
        (1, 0, 10, False),
    ],
)
def test_frame_its_header_cannot_describe_is_left_out(
    distance: int, offset: int, length: int, fits: bool
) -> None:
    past = ProgramFrame(100 - distance, 100_000 - offset, b"r" * length, 960)
    payload = build_trunk_payload(frame(100, 100_000, b"p"), [past])
    assert len(parse_red(payload)) == (2 if fits else 1)


@pytest.mark.parametrize(
    "older",
    [
        ProgramFrame(98, 98_000, b"newer in sequence", 960),
        ProgramFrame(96, 99_000, b"newer in timestamp", 960),
        ProgramFrame(97, 97_040, b"as old", 960),
    ],
)
def test_frame_that_is_not_older_than_the_one_after_it_is_left_out(older: ProgramFrame) -> None:
    newer = ProgramFrame(97, 97_040, b"n", 960)
    payload = build_trunk_payload(frame(100, 100_000, b"p"), [older, newer])
    assert [parsed.payload for parsed in parse_trunk_payload(payload, 100, 100_000)] == [b"n", b"p"]


def test_newer_frame_is_served_first_when_room_is_short() -> None:
    payload = build_trunk_payload(frame(3, payload=b"c" * 500), [frame(1, payload=b"a" * 500),
                                                                 frame(2, payload=b"b" * 500)])  # fmt: skip
    assert [block.payload[:1] for block in parse_red(payload)] == [b"b", b"c"]


@pytest.mark.parametrize(
    "wire",
    [
        "",
        "6f",  # a primary of another type
        "e0 0f0001 60 11 aa",  # a redundant block of type 96
        "e2 0f0003 60 11",  # cut off
        "e1 000001 60 11 aa",  # not older
        "e1 1e0001 e2 0f0001 60 11 22 aa",  # distance grows
        "e2 0f0001 e1 1e0001 60 11 22 aa",  # offset grows
        "e1 0f0001 e1 0e0001 60 11 22 aa",  # one frame twice
        "df 0f0001 60 11 aa",  # a type below ours
    ],
)
def test_payload_that_is_not_ours_is_refused(wire: str) -> None:
    with pytest.raises(TrunkError):
        parse_trunk_payload(bytes.fromhex(wire), 5, 5000)


def test_numbers_of_redundant_frames_wrap() -> None:
    payload = build_trunk_payload(frame(65536, 2**32, b"b"), [frame(65535, 2**32 - 960, b"a")])
    assert parse_trunk_payload(payload, 0, 0) == (
        TrunkFrame(65535, 2**32 - 960, b"a"),
        TrunkFrame(0, 0, b"b"),
    )


@settings(max_examples=300)
@given(st.binary(max_size=80))
def test_any_payload_gives_frames_in_order_or_a_trunk_error(data: bytes) -> None:
    try:
        frames = parse_trunk_payload(data, 40, 20_000)
    except TrunkError:
        return
    assert frames[-1].sequence == 40 and frames[-1].timestamp == 20_000
    for older, newer in pairwise(frames):
        assert older.sequence < newer.sequence and older.timestamp < newer.timestamp


@settings(max_examples=200)
@given(
    st.integers(0, 2**40),
    st.integers(0, 2**45),
    st.lists(st.tuples(st.integers(1, 20), st.integers(1, 9000), st.binary(max_size=30)), max_size=3),
)
def test_what_was_built_is_parsed(sequence: int, timestamp: int, steps: list[tuple[int, int, bytes]]) -> None:
    frames = [ProgramFrame(sequence, timestamp, b"first", 960)]
    for ahead, later, payload in steps:
        last = frames[-1]
        frames.append(ProgramFrame(last.sequence + ahead, last.timestamp + later, payload, 960))
    *earlier, newest = frames
    payload = build_trunk_payload(newest, earlier)
    parsed = parse_trunk_payload(payload, newest.sequence & 0xFFFF, newest.timestamp & 0xFFFFFFFF)
    describable = [
        low(past)
        for past in earlier
        if newest.sequence - past.sequence <= MAX_DISTANCE and newest.timestamp - past.timestamp <= MAX_OFFSET
    ]
    assert list(parsed) == [*describable, low(newest)]


# -- packets ----------------------------------------------------------------------------------------------


def test_packet_carries_the_three_frames_before() -> None:
    sender, receiver = TrunkSender(KEYS, SSRC, 5), TrunkReceiver(KEYS, SSRC)
    opened = [receiver.open(sender.seal(frame(number))) for number in range(5, 10)]
    assert opened[0] == (low(frame(5)),)
    assert opened[-1] == (low(frame(6)), low(frame(7)), low(frame(8)), low(frame(9)))


def test_packet_is_srtp_as_any_other_receiver_opens_it() -> None:
    first = 3 * 65536 + 65534
    sender, opener = TrunkSender(KEYS, SSRC, first), Opener(PROFILE, KEYS.key, KEYS.salt)
    for number in range(first, first + 6):
        plain = parse_rtp(opener.open_rtp(sender.seal(frame(number))))
        assert (plain.sequence, plain.timestamp) == (number & 0xFFFF, number * 960 & 0xFFFFFFFF)
        assert (plain.payload_type, plain.ssrc) == (100, SSRC)


@pytest.mark.parametrize("sequence", [5, 4, 0])
def test_sender_never_uses_an_index_twice(sequence: int) -> None:
    sender = TrunkSender(KEYS, SSRC, 5)
    sender.seal(frame(5))
    with pytest.raises(LocalError):
        sender.seal(frame(sequence))


def test_frame_before_the_first_is_not_sealed() -> None:
    with pytest.raises(LocalError):
        TrunkSender(KEYS, SSRC, 5).seal(frame(4))


def test_stream_is_understood_when_its_first_packets_are_lost_at_the_wrap() -> None:
    sender, receiver = TrunkSender(KEYS, SSRC, 65534), TrunkReceiver(KEYS, SSRC)
    sealed = [sender.seal(frame(number)) for number in range(65534, 65544)]
    assert [len(receiver.open(data)) for data in sealed[3:]] == [4] * 7
    assert receiver.open(sealed[0])[-1] == low(frame(65534))  # late, not lost
    assert receiver.auth_failures == 0


def test_sequence_may_go_round_many_times() -> None:
    sender, receiver = TrunkSender(KEYS, SSRC, 40_000), TrunkReceiver(KEYS, SSRC)
    for number in range(40_000, 400_000, 20_000):
        assert receiver.open(sender.seal(frame(number)))[-1] == low(frame(number))


def test_packet_is_opened_once() -> None:
    receiver = TrunkReceiver(KEYS, SSRC)
    data = TrunkSender(KEYS, SSRC, 1).seal(frame(1))
    assert receiver.open(data) and not receiver.open(data)
    assert receiver.replays == 1


def test_packet_of_other_keys_or_another_stream_changes_nothing() -> None:
    receiver = TrunkReceiver(KEYS, SSRC)
    other_keys = TrunkKeys(bytes(16), bytes(12))
    assert receiver.open(TrunkSender(other_keys, SSRC, 60_000).seal(frame(60_000))) == ()
    assert receiver.open(TrunkSender(KEYS, SSRC + 1, 60_000).seal(frame(60_000))) == ()
    assert receiver.auth_failures == 2
    assert receiver.open(TrunkSender(KEYS, SSRC, 9).seal(frame(9)))


@pytest.mark.parametrize(
    ("payload_type", "payload"), [(96, b"\x60abc"), (100, b"\x6fabc"), (100, b""), (100, b"\x80")]
)
def test_authentic_packet_of_another_kind_is_refused(payload_type: int, payload: bytes) -> None:
    sealer = RtpSealer(PROFILE, KEYS.key, KEYS.salt)
    data = sealer.seal(rtp_header(payload_type, 1, 960, SSRC), payload, 1)
    with pytest.raises(TrunkError):
        TrunkReceiver(KEYS, SSRC).open(data)


@settings(max_examples=200)
@given(st.binary(max_size=60), st.integers(0, 10_000))
def test_any_bytes_are_nobodys_packet(data: bytes, seed: int) -> None:
    receiver = TrunkReceiver(KEYS, SSRC)
    forged = rtp_header(100, seed, seed * 960, SSRC) + data
    assert receiver.open(data) == receiver.open(forged) == ()
    sealed = bytearray(TrunkSender(KEYS, SSRC, seed).seal(frame(seed)))
    sealed[random.Random(seed).randrange(len(sealed))] ^= 1 + seed % 255
    assert receiver.open(bytes(sealed)) == ()

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.rtp.jitter_buffer import MEMORY, Inserted, JitterBuffer, MediaPacket


def packet(number: int, payload: bytes = b"\x78") -> MediaPacket:
    return MediaPacket(number, number * 960, payload, 960)


def drain(buffer: JitterBuffer) -> list[int]:
    return [buffer.pop().sequence for _ in range(len(buffer))]


@pytest.mark.parametrize(
    ("arrived", "played"),
    [
        ([1, 2, 3], [1, 2, 3]),
        ([3, 1, 2], [1, 2, 3]),
        ([5, 4, 3, 2, 1], [1, 2, 3, 4, 5]),
        ([1, 4, 2], [1, 2, 4]),  # 3 is missing: no invention
        ([1, 1, 2, 1, 2], [1, 2]),
    ],
)
def test_packets_leave_in_order_and_once(arrived: list[int], played: list[int]) -> None:
    buffer = JitterBuffer()
    for number in arrived:
        buffer.insert(packet(number))
    assert drain(buffer) == played


def test_empty_buffer_has_no_head() -> None:
    buffer = JitterBuffer()
    assert buffer.head is None
    assert len(buffer) == 0
    with pytest.raises(IndexError):
        buffer.pop()


def test_of_two_packets_with_one_timestamp_the_first_stays() -> None:
    buffer = JitterBuffer()
    assert buffer.insert(packet(1, b"\x78first")) is Inserted.KEPT
    assert buffer.insert(MediaPacket(9, 960, b"\x78second", 960)) is Inserted.DUPLICATE
    assert buffer.pop().payload == b"\x78first"


def test_copy_of_a_played_packet_is_a_duplicate() -> None:
    buffer = JitterBuffer()
    buffer.insert(packet(1))
    buffer.pop()
    assert 960 in buffer
    assert buffer.insert(packet(1)) is Inserted.DUPLICATE


def test_packet_older_than_the_last_played_is_late() -> None:
    buffer = JitterBuffer()
    buffer.insert(packet(5))
    buffer.pop()
    assert buffer.insert(packet(4)) is Inserted.LATE
    assert buffer.insert(packet(6)) is Inserted.KEPT


def test_full_buffer_gives_up_its_oldest_packet() -> None:
    buffer = JitterBuffer(capacity=3)
    for number in (1, 2, 3):
        assert buffer.insert(packet(number)) is Inserted.KEPT
    assert buffer.insert(packet(4)) is Inserted.EVICTED_OLDEST
    assert drain(buffer) == [2, 3, 4]


def test_restart_forgets_what_waits_and_accepts_older_packets_but_no_repeat() -> None:
    buffer = JitterBuffer()
    for number in (10, 11, 12):
        buffer.insert(packet(number))
    buffer.pop()
    buffer.restart()
    assert buffer.head is None
    assert buffer.insert(packet(10)) is Inserted.DUPLICATE
    assert buffer.insert(packet(2)) is Inserted.KEPT
    assert buffer.insert(packet(11)) is Inserted.KEPT
    assert drain(buffer) == [2, 11]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), max_size=300), st.integers(1, 8))
@settings(max_examples=200)
def test_any_order_of_packets_leaves_ordered_unrepeated_and_bounded(
    steps: list[tuple[int, int]], capacity: int
) -> None:
    buffer = JitterBuffer(capacity)
    played: list[int] = []
    kept: dict[int, bytes] = {}
    for count, (number, action) in enumerate(steps):
        if action < 7:
            payload = count.to_bytes(2, "big")
            if buffer.insert(packet(number, payload)) in (Inserted.KEPT, Inserted.EVICTED_OLDEST):
                kept[number] = payload
        elif buffer.head is not None:
            head = buffer.head
            assert buffer.pop() is head
            assert head.payload == kept[head.sequence]
            played.append(head.sequence)
        assert len(buffer) <= capacity
        assert len(buffer._known) <= capacity + MEMORY
    assert played == sorted(set(played))

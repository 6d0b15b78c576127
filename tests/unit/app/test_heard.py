"""Loss, order, gaps and lateness of what a listener got."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stentor.app.heard import REORDER_PACKETS, HeardStream

SSRC = 7
START = 65530  # so that every test crosses the wrap


def receive(stream: HeardStream, number: int, *, now: float | None = None, ssrc: int = SSRC) -> list[int]:
    """Packet `number` of the stream, on time unless `now` is given; returns the numbers that came out."""
    sequence, timestamp = (START + number) & 0xFFFF, (2**32 - 960 + number * 960) & 0xFFFFFFFF
    now = number * 0.02 if now is None else now
    heard = stream.receive(ssrc, sequence, timestamp, b"x" * (number % 7 + 1), now=now)
    return [packet.sequence - START for packet in heard]


def test_packets_in_order_come_out_at_once() -> None:
    stream = HeardStream()
    assert [receive(stream, number) for number in range(20)] == [[number] for number in range(20)]
    summary = stream.summary()
    assert (summary.packets, summary.lost, summary.gaps, summary.late) == (20, 0, 0, 0)
    assert summary.longest_gap_ms == 20


def test_swapped_packets_come_out_in_order() -> None:
    stream = HeardStream()
    out = [number for got in (0, 2, 1, 3) for number in receive(stream, got)]
    assert out == [0, 1, 2, 3]
    assert (stream.summary().reordered, stream.summary().lost) == (1, 0)


def test_lost_packet_holds_the_others_back_for_a_second_and_no_longer() -> None:
    stream = HeardStream()
    receive(stream, 0)
    for number in range(2, REORDER_PACKETS + 1):
        assert receive(stream, number) == []
    assert receive(stream, REORDER_PACKETS + 1) == list(range(2, REORDER_PACKETS + 2))
    assert stream.summary().lost == 1


def test_packets_held_back_come_out_at_the_end() -> None:
    stream = HeardStream()
    receive(stream, 0)
    receive(stream, 2)
    assert [packet.sequence - START for packet in stream.finish()] == [2]
    assert stream.finish() == []


def test_packet_that_comes_twice_is_given_once() -> None:
    stream = HeardStream()
    assert [receive(stream, number) for number in (0, 1, 1, 0)] == [[0], [1], [], []]
    assert (stream.summary().duplicates, stream.summary().packets) == (2, 2)


def test_pause_on_the_wire_is_a_gap_and_what_follows_is_late() -> None:
    stream = HeardStream()
    for number in range(10):
        receive(stream, number)
    for number in range(10, 15):
        receive(stream, number, now=0.5)
    summary = stream.summary()
    assert (summary.gaps, summary.longest_gap_ms) == (1, 320)
    assert summary.late == 5
    assert summary.latest_ms == 300


def test_clock_that_drifts_makes_nothing_late() -> None:
    stream = HeardStream()
    for number in range(90_000):  # half an hour, 200 ppm: 360 ms
        receive(stream, number, now=number * 0.02 * 1.0002)
    assert stream.summary().late == 0


def test_another_stream_is_counted_and_left_out() -> None:
    stream = HeardStream()
    receive(stream, 0)
    assert receive(stream, 1, ssrc=8) == []
    assert (stream.summary().other_streams, stream.summary().packets) == (1, 1)


def test_nothing_heard_gives_an_empty_summary() -> None:
    summary = HeardStream().summary()
    assert (summary.packets, summary.lost, summary.longest_gap_ms) == (0, 0, 0)


@given(st.lists(st.integers(0, 120), max_size=150))
def test_whatever_comes_in_goes_out_once_and_in_order(numbers: list[int]) -> None:
    stream = HeardStream()
    out = [number for index, got in enumerate(numbers) for number in receive(stream, got, now=index * 0.02)]
    out += [packet.sequence - START for packet in stream.finish()]
    summary = stream.summary()
    assert out == sorted(set(out))
    assert len(out) == summary.packets
    assert summary.packets + summary.duplicates == len(numbers)
    if numbers:
        assert summary.packets + summary.lost == max(numbers) - numbers[0] + 1

from __future__ import annotations

import heapq
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.stage.program import ProgramFrame
from stentor.core.trunk.join import ProgramJoin
from stentor.core.trunk.keys import TrunkKeys
from stentor.core.trunk.packet import TrunkFrame, TrunkReceiver, TrunkSender

KEYS = TrunkKeys(bytes(16), bytes(12))
SSRC = 77


def frame(sequence: int, timestamp: int | None = None) -> ProgramFrame:
    place = sequence * 960 if timestamp is None else timestamp
    return ProgramFrame(sequence, place, b"\xf8" + sequence.to_bytes(6, "big"), 960)


def sealed(numbers: range, ssrc: int = SSRC) -> list[bytes]:
    sender = TrunkSender(KEYS, ssrc, numbers[0])
    return [sender.seal(frame(number)) for number in numbers]


class Relay:
    """A receiver and its join; packets come 20 ms apart unless said otherwise."""

    def __init__(self) -> None:
        self.join = ProgramJoin()
        self.receivers = {SSRC: TrunkReceiver(KEYS, SSRC)}
        self.heard: list[ProgramFrame] = []
        self.now = 100.0

    def take(self, data: bytes, *, ssrc: int = SSRC, epoch: int = 1, now: float | None = None) -> list[int]:
        self.now = self.now + 0.02 if now is None else now
        receiver = self.receivers.setdefault(ssrc, TrunkReceiver(KEYS, ssrc))
        new = self.join.take(receiver.open(data), epoch=epoch, now=self.now)
        self.heard += new
        return [heard.sequence for heard in new]


def payload_number(heard: ProgramFrame) -> int:
    return int.from_bytes(heard.payload[1:], "big")


@pytest.mark.parametrize(
    ("arrived", "handed_on"),
    [
        ([0, 1, 2], [[0], [1], [2]]),
        ([0, 2], [[0], [1, 2]]),
        ([0, 3], [[0], [1, 2, 3]]),
        ([0, 4], [[0], [1, 2, 3, 4]]),
        ([0, 5], [[0], [2, 3, 4, 5]]),
        ([0, 2, 1, 3], [[0], [1, 2], [], [3]]),
        ([0, 1, 1], [[0], [1], []]),
        ([5, 4, 6], [[5], [], [6]]),  # what is before the first is not played
    ],
)
def test_oldest_first_and_each_once(arrived: list[int], handed_on: list[list[int]]) -> None:
    relay, packets = Relay(), sealed(range(10))
    assert [relay.take(packets[number]) for number in arrived] == handed_on


def test_counters_tell_what_happened() -> None:
    relay, packets = Relay(), sealed(range(20))
    for number in (0, 1, 1, 3, 2, 8):
        relay.take(packets[number])
    counters = relay.join.counters
    assert (counters.frames, counters.recovered, counters.lost) == (8, 4, 1)  # 4 is lost
    assert counters.duplicates == 1  # the copy of 1 is a replay, 2 came too late
    assert relay.receivers[SSRC].replays == 1


def test_gap_of_the_stage_is_not_a_loss_of_the_trunk() -> None:
    relay, sender = Relay(), TrunkSender(KEYS, SSRC, 0)
    for number in (0, 1, 5, 6):
        relay.take(sender.seal(frame(number)))
    assert [heard.sequence for heard in relay.heard] == [0, 1, 5, 6]
    assert relay.join.counters.lost == 0


def test_other_parent_of_the_same_stage_goes_on_where_the_first_stopped() -> None:
    relay = Relay()
    one, other = sealed(range(65_530, 65_550)), sealed(range(65_538, 65_560), SSRC + 1)
    for data in one[:10]:
        relay.take(data)
    for data in other:
        relay.take(data, ssrc=SSRC + 1)
    for data in one[10:]:
        assert relay.take(data) == []
    assert [heard.sequence for heard in relay.heard] == list(range(65_530, 65_560))
    assert [payload_number(heard) for heard in relay.heard] == list(range(65_530, 65_560))
    assert relay.join.counters.lost == 0


def test_new_stage_follows_in_sequence_and_by_the_time_that_passed() -> None:
    relay = Relay()
    for data in sealed(range(1000, 1003)):
        relay.take(data, epoch=1)
    last = relay.heard[-1]
    later = relay.now + 2.5
    sender = TrunkSender(KEYS, SSRC + 1, 60_000)
    sender.seal(frame(60_000, 123))
    relay.take(sender.seal(frame(60_001, 1083)), ssrc=SSRC + 1, epoch=2, now=later)
    relay.take(sender.seal(frame(60_002, 2043)), ssrc=SSRC + 1, epoch=2)
    first, second = relay.heard[-2:]  # what came with the first of before is not played
    assert (first.sequence, second.sequence) == (last.sequence + 1, last.sequence + 2)
    assert first.timestamp - last.timestamp == pytest.approx(2.5 * 48000, abs=1)
    assert second.timestamp == first.timestamp + 960
    assert first.sequence - relay.join.sequence_offset == 60_001
    assert first.timestamp - relay.join.timestamp_offset == 1083


def test_new_stage_that_comes_at_once_is_a_frame_later_at_least() -> None:
    relay = Relay()
    relay.take(sealed(range(5, 6))[0], epoch=1)
    relay.take(sealed(range(9, 10), SSRC + 1)[0], ssrc=SSRC + 1, epoch=2, now=relay.now)
    assert relay.heard[1].timestamp - relay.heard[0].timestamp == 960


def test_former_stage_is_not_heard_any_more() -> None:
    relay, former = Relay(), sealed(range(10))
    relay.take(former[0], epoch=1)
    relay.take(sealed(range(500, 501), SSRC + 1)[0], ssrc=SSRC + 1, epoch=2)
    assert relay.take(former[1], epoch=1) == []
    assert relay.join.counters.fenced == 1


def test_stream_is_found_again_after_so_long_a_silence_that_the_sequence_went_half_round() -> None:
    relay = Relay()
    relay.take(sealed(range(10, 11))[0])
    away = 40_000
    for data in sealed(range(10 + away, 10 + away + 3), SSRC + 1):
        relay.take(data, ssrc=SSRC + 1, now=relay.now + 800)
    assert [heard.sequence for heard in relay.heard] == [10, 10 + away, 11 + away, 12 + away]


def test_what_is_no_opus_packet_is_left_out() -> None:
    join = ProgramJoin()
    assert join.take((TrunkFrame(1, 960, b""),), epoch=1, now=1.0) == []
    assert join.take((TrunkFrame(2, 1920, b"\xf8a"),), epoch=1, now=1.0)
    assert join.take((TrunkFrame(3, 2880, b""), TrunkFrame(4, 3840, b"\xf8b")), epoch=1, now=1.0)
    assert join.counters.malformed == 2


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 1 << 20), st.integers(0, 1 << 32), st.lists(st.integers(0, 4), min_size=1, max_size=60))
def test_with_three_losses_in_a_row_at_most_every_frame_comes_out_once(
    first: int, seed: int, run: list[int]
) -> None:
    """Each number says how many packets are lost after one that arrives; the last packets always do."""
    relay = Relay()
    packets = sealed(range(first, first + sum(1 + min(3, lost) for lost in run) + 1))
    number = 0
    for lost in run:
        relay.take(packets[number])
        if seed % 3 == 0:
            relay.take(packets[number])
        number += 1 + min(3, lost)
    relay.take(packets[number])
    assert [payload_number(heard) for heard in relay.heard] == list(range(first, first + number + 1))
    assert relay.join.counters.lost == 0


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 1 << 20), st.integers(0, 1 << 32))
def test_on_any_network_frames_come_in_order_once_and_unchanged(first: int, seed: int) -> None:
    relay, chance = Relay(), random.Random(seed)
    loss, jitter, copies = chance.random() * 0.5, chance.random() * 0.2, chance.random() * 0.3
    arrivals = sorted(
        (number * 0.02 + chance.random() * jitter, data)
        for number, data in enumerate(sealed(range(first, first + 150)))
        for _ in range(1 + (chance.random() < copies))
        if chance.random() >= loss
    )
    for at, data in arrivals:
        relay.take(data, now=100 + at)
    numbers = [payload_number(heard) for heard in relay.heard]
    offset = relay.join.sequence_offset
    assert numbers == sorted(set(numbers))
    assert [heard.sequence & 0xFFFF for heard in relay.heard] == [
        (number + offset) & 0xFFFF for number in numbers
    ]
    for before, after in pairwise(relay.heard):
        assert after.timestamp - before.timestamp == 960 * (after.sequence - before.sequence)
    if numbers:
        span = numbers[-1] - numbers[0] + 1
        assert relay.join.counters.lost == span - len(numbers)


def test_five_percent_loss_and_30_ms_jitter_cost_less_than_a_frame_in_two_thousand() -> None:
    """Four losses in a row are 0.0006 %; the rest are fewer, and a packet that would have brought the frame
    but was overtaken by a younger one."""
    relay, chance = Relay(), random.Random(1)
    sender, on_the_way, frames = TrunkSender(KEYS, SSRC, 65_000), [], 30_000  # ten minutes
    for number in range(frames):
        sent = number * 0.02
        data = sender.seal(frame(65_000 + number))
        if number == 0 or chance.random() >= 0.05:
            heapq.heappush(on_the_way, (sent + chance.random() * 0.03, data))
        while on_the_way and (on_the_way[0][0] <= sent or number == frames - 1):
            at, data = heapq.heappop(on_the_way)
            relay.take(data, now=100 + at)
    lost = frames - len(relay.heard)
    print(f"lost {lost} of {frames}: {100 * lost / frames:.4f} %; {relay.join.counters}")
    assert 100 * lost / frames < 0.05
    assert relay.receivers[SSRC].auth_failures == 0

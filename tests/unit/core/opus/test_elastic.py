from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.opus.elastic import LANES, LEVELS, MAX_BYTES, Merger, effective_ptime
from stentor.core.opus.merged_packet import MergedPacket
from stentor.core.opus.repacketizer import merge, split_packet
from stentor.core.opus.toc import OpusError, packet_duration
from support.opus_packets import code_3
from support.program_steps import PTIMES, Advance, Feed, Flush, Step, Target, programs

TICK = 960
MONO, STEREO, SILK = 0xF8, 0xFC, 0x48


def frame(number: int, *, head: int = MONO, size: int = 3) -> bytes:
    return bytes((head,)) + bytes((number & 0xFF,)) * size


def run(merger: Merger, numbers: range, *, head: int = MONO, size: int = 3) -> list[MergedPacket]:
    """Feed frames of 20 ms; frame n has sequence n and timestamp 960 n."""
    return [
        packet
        for number in numbers
        for packet in merger.feed(number, TICK * number, frame(number, head=head, size=size))
    ]


def shape(packets: list[MergedPacket]) -> list[tuple[int, int]]:
    """First frame and number of frames of each packet."""
    return [(packet.sequence, packet.program_frames) for packet in packets]


@pytest.mark.parametrize(
    ("ptime", "maxptime", "effective"),
    [
        *((20, 120, 20), (40, 120, 40), (60, 120, 60), (120, 120, 120), (120, 60, 60), (120, 100, 60)),
        *((60, 40, 40), (60, 50, 40), (120, 39, 20), (60, 10, 20), (10, 120, 20), (500, 500, 120)),
    ],
)
def test_ptime_is_the_longest_level_the_client_allows(ptime: int, maxptime: int, effective: int) -> None:
    assert effective_ptime(ptime, maxptime) == effective


@pytest.mark.parametrize("ptime", LEVELS)
def test_packets_hold_one_ptime_and_leave_with_their_last_frame(ptime: int) -> None:
    merger = Merger(ptime=ptime)
    frames = ptime // 20
    for number in range(24):
        packets = merger.feed(number, TICK * number, frame(number))
        if (number + 1) % frames:
            assert packets == []
            continue
        first = number + 1 - frames
        whole = merge([frame(n) for n in range(first, number + 1)], max_bytes=MAX_BYTES)
        assert packets == [MergedPacket(first, TICK * first, whole or b"", TICK * frames, frames, 0)]


@pytest.mark.parametrize("ptime", LEVELS)
@pytest.mark.parametrize("offset", [0, 17, 959])
def test_lanes_load_every_tick_alike(ptime: int, offset: int) -> None:
    mergers = [Merger(phase=lane, ptime=ptime) for lane in range(LANES)]
    load: Counter[int] = Counter()
    for number in range(60):
        for merger in mergers:
            load[number] += len(merger.feed(number, TICK * number + offset, frame(number)))
    assert {load[number] for number in range(12, 60)} == {LANES // (ptime // 20)}


def test_other_configuration_ends_the_packet_and_the_phase_stays() -> None:
    merger = Merger(ptime=60)
    packets = run(merger, range(0, 4)) + run(merger, range(4, 6), head=SILK) + run(merger, range(6, 9))
    assert shape(packets) == [(0, 3), (3, 1), (4, 2), (6, 3)]


def test_other_channel_bit_ends_the_packet() -> None:
    merger = Merger(ptime=60)
    assert shape(run(merger, range(0, 2)) + run(merger, range(2, 3), head=STEREO)) == [(0, 2), (2, 1)]


def test_packet_that_would_be_too_long_is_ended_before() -> None:
    merger = Merger(ptime=120)
    packets = run(merger, range(0, 6), size=400)  # 160 kbit/s
    assert shape(packets) == [(0, 2), (2, 2), (4, 2)]
    assert all(len(packet.payload) <= MAX_BYTES for packet in packets)


def test_host_packet_above_the_size_limit_passes_alone() -> None:
    merger = Merger(ptime=60)
    large = frame(1, size=1200)
    assert merger.feed(0, 0, frame(0)) == []
    assert [p.payload for p in merger.feed(1, TICK, large)] == [frame(0), large]
    assert shape(merger.feed(2, 2 * TICK, frame(2))) == [(2, 1)]


def test_clients_maxptime_is_never_passed() -> None:
    assert shape(run(Merger(ptime=120, maxptime=50), range(0, 6))) == [(0, 2), (2, 2), (4, 2)]


def test_lost_frames_end_the_packet_and_are_counted() -> None:
    merger = Merger(ptime=60)
    packets = run(merger, range(0, 1)) + run(merger, range(4, 6))
    assert [(p.sequence, p.program_frames, p.lost) for p in packets] == [(0, 1, 0), (4, 2, 3)]


def test_pause_of_the_host_ends_the_packet_without_loss() -> None:
    merger = Merger(ptime=120)
    assert merger.feed(0, 0, frame(0)) == []
    (first,) = merger.feed(1, 3 * TICK, frame(1))
    (second,) = merger.advance(6 * TICK)
    assert (first.sequence, second.sequence, second.lost) == (0, 1, 0)


def test_frames_before_a_pause_leave_when_their_slot_ends() -> None:
    merger = Merger(ptime=60, phase=1)
    assert merger.due is None
    run(merger, range(0, 2))  # frame 0 ends a slot of phase 1
    assert merger.due == 4 * TICK
    assert merger.advance(4 * TICK - 1) == []
    assert shape(merger.advance(4 * TICK)) == [(1, 1)]
    assert merger.due is None


def test_switch_lets_the_packet_in_hand_finish() -> None:
    merger = Merger(ptime=120)
    packets = run(merger, range(0, 2))
    merger.set_target(20)
    packets += run(merger, range(2, 8))
    merger.set_target(60)
    packets += run(merger, range(8, 15))
    assert shape(packets) == [(0, 6), (6, 1), (7, 1), (8, 1), (9, 3), (12, 3)]


def test_frame_that_is_not_ahead_is_ignored() -> None:
    merger = Merger(ptime=20)
    run(merger, range(0, 3))
    assert merger.feed(2, 2 * TICK, frame(2)) == merger.feed(0, 0, frame(0)) == []
    assert shape(run(merger, range(3, 4))) == [(3, 1)]


@pytest.mark.parametrize(("head", "samples"), [(0x80, 120), (0xF0, 480), (0x50, 1920), (0x58, 2880)])
@pytest.mark.parametrize("ptime", LEVELS)
def test_frames_of_other_lengths_fill_the_ptime_as_far_as_it_goes(
    head: int, samples: int, ptime: int
) -> None:
    merger = Merger(ptime=ptime)
    packets = [p for n in range(96) for p in merger.feed(n, samples * n, bytes((head, n)))]
    expected = max(1, ptime * 48 // samples)
    assert {packet.program_frames for packet in packets} == {expected}
    assert sum(packet.program_frames for packet in packets) >= 96 - expected


def test_padded_packet_passes_bit_for_bit_when_alone_and_merges_otherwise() -> None:
    padded = code_3(MONO, [b"abc"], vbr=False, padding=9)
    assert [p.payload for p in Merger(ptime=20).feed(0, 0, padded)] == [padded]
    merger = Merger(ptime=40)
    merger.feed(0, 0, padded)
    assert [p.payload for p in merger.feed(1, TICK, b"\xf8xyz")] == [b"\xf9abcxyz"]


@pytest.mark.parametrize("broken", [b"", b"\xff", b"\xfb\x82", b"\xfa\x09aa"])
def test_packet_that_cannot_be_taken_apart_passes_alone(broken: bytes) -> None:
    merger = Merger(ptime=60)
    merger.feed(0, 0, frame(0))
    assert [p.payload for p in merger.feed(1, TICK, broken)] == [frame(0), broken]
    assert shape(merger.feed(2, 2 * TICK, frame(2))) == [(2, 1)]


@pytest.mark.parametrize("ptimes", [(20,), (60,), (120,), (20, 60, 120, 20), (120, 20, 40)])
def test_hold_makes_every_packet_leave_100_ms_after_its_first_frame(ptimes: tuple[int, ...]) -> None:
    merger = Merger(phase=2, ptime=ptimes[0], hold=True)
    ages = Counter[int]()
    for number in range(100):
        if number % 25 == 0:
            merger.set_target(ptimes[number // 25 % len(ptimes)], hold=True)
        for packet in merger.feed(number, TICK * number, frame(number)):
            ages[number - packet.sequence] += 1
    assert set(ages) == {5}


def test_what_waits_leaves_when_the_hold_ends() -> None:
    merger = Merger(ptime=20, hold=True)
    assert run(merger, range(0, 4)) == []
    merger.set_target(20, hold=False)
    assert merger.due == 0
    assert shape(run(merger, range(4, 6))) == [(n, 1) for n in range(6)]


def test_held_packets_leave_by_the_clock_when_the_host_pauses() -> None:
    merger = Merger(ptime=20, hold=True)
    run(merger, range(0, 2))
    assert merger.due == 5 * TICK
    assert shape(merger.advance(5 * TICK)) == [(0, 1)]
    assert shape(merger.advance(6 * TICK)) == [(1, 1)]
    assert merger.due is None


def test_hold_is_bounded_and_the_oldest_leaves_early() -> None:
    merger = Merger(ptime=20, hold=True)
    packets = [p for n in range(8) for p in merger.feed(n, 120 * n, bytes((0x80, 0)) + bytes(1274))]
    assert shape(packets) == [(0, 1), (1, 1)]  # six of 1,276 bytes fit 8 KiB


# -- whatever happens ---------------------------------------------------------------------------------------


def frames_of(payload: bytes) -> list[bytes]:
    """The frames of a packet, each with its configuration; one that cannot be taken apart counts as it is."""
    try:
        parts = split_packet(payload)
    except OpusError:
        return [payload]
    return [bytes((parts.head,)) + piece for piece in parts.frames]


def play(merger: Merger, steps: list[Step]) -> tuple[dict[int, Feed], list[MergedPacket]]:
    """The frames that count, and all that leaves."""
    fed: dict[int, Feed] = {}
    out: list[MergedPacket] = []
    for step in steps:
        match step:
            case Feed(sequence, timestamp, payload):
                if not fed or sequence > max(fed):
                    fed[sequence] = step
                out += merger.feed(sequence, timestamp, payload)
            case Advance(timestamp):
                out += merger.advance(timestamp)
            case Target(ptime, hold):
                merger.set_target(ptime, hold=hold)
            case Flush():
                out += merger.flush()
    return fed, out + merger.flush()


@settings(max_examples=200, deadline=None)
@given(programs(), st.integers(0, 11), PTIMES, PTIMES, st.booleans())
def test_every_frame_comes_out_exactly_once_in_order(
    steps: list[Step], phase: int, ptime: int, maxptime: int, hold: bool
) -> None:
    fed, out = play(Merger(phase=phase, ptime=ptime, maxptime=maxptime, hold=hold), steps)
    assert [f for p in out for f in frames_of(p.payload)] == [
        f for s in fed.values() for f in frames_of(s.payload)
    ]
    sequences = list(fed)
    at = 0
    for packet in out:
        inputs = [fed[sequence] for sequence in sequences[at : at + packet.program_frames]]
        before = sequences[at - 1] if at else packet.sequence - 1
        assert (packet.sequence, packet.timestamp) == (inputs[0].sequence, inputs[0].timestamp)
        assert packet.lost == packet.sequence - before - 1
        if len(inputs) == 1:
            assert packet.payload == inputs[0].payload
        else:
            assert len(packet.payload) <= MAX_BYTES
            assert packet.duration == packet_duration(packet.payload) <= 48 * maxptime
            assert packet.duration == inputs[-1].timestamp - packet.timestamp + packet_duration(
                inputs[-1].payload
            )
        at += packet.program_frames
    assert at == len(fed)


@settings(max_examples=200, deadline=None)
@given(programs(holds=False), st.integers(0, 5), PTIMES)
def test_a_packet_keeps_to_its_slot_and_leaves_when_it_ends(
    steps: list[Step], phase: int, ptime: int
) -> None:
    merger = Merger(phase=phase, ptime=ptime)
    slot = 48 * effective_ptime(ptime, 120)
    starts: dict[int, int] = {}
    for step in steps:
        if not isinstance(step, Feed):
            continue
        starts[step.sequence] = step.timestamp
        for packet in merger.feed(step.sequence, step.timestamp, step.payload):
            last = starts[packet.sequence + packet.program_frames - 1]
            assert (last - phase * TICK) // slot == (packet.timestamp - phase * TICK) // slot
        assert merger.due is None or step.timestamp < merger.due <= step.timestamp + slot

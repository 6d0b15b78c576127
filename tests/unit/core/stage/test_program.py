from __future__ import annotations

import pytest

from stentor.core.opus.toc import SILENCE_20MS
from stentor.core.stage.program import ProgramFrame
from support.program_studio import CODES, DELAY, A, Studio


@pytest.fixture
def studio() -> Studio:
    return Studio()


def test_before_any_host_silence_every_20_ms(studio: Studio) -> None:
    studio.until(0.1)
    assert studio.frames() == [
        ProgramFrame(100 + n, 1_000_000 + n * 960, SILENCE_20MS, 960) for n in range(6)
    ]
    assert [at for at, _ in studio.heard] == pytest.approx([0, 0.02, 0.04, 0.06, 0.08, 0.1])
    assert not studio.stream.host_present(0.1)


def test_host_frames_pass_bit_for_bit_after_the_delay(studio: Studio) -> None:
    studio.until(1.0)
    studio.open()
    studio.talk(0, 50)
    studio.until(2.1)
    spoken = studio.host_frames()
    assert studio.numbers() == list(range(50))
    assert spoken[0][1].payload == CODES[960] + A + bytes(4)
    assert [at for at, _ in spoken] == pytest.approx([1.0 + DELAY + n * 0.02 for n in range(50)])
    assert [frame.timestamp - spoken[0][1].timestamp for _, frame in spoken] == [n * 960 for n in range(50)]
    assert studio.stream.counters.lost == 0
    studio.check()


def test_timestamp_of_the_first_host_frame_is_the_time_it_leaves(studio: Studio) -> None:
    studio.until(1.0)
    studio.open()
    studio.talk(0, 10)
    studio.until(1.2)
    at, first = studio.host_frames()[0]
    assert first.timestamp == 1_000_000 + round(at * 48_000)


@pytest.mark.parametrize("duration", sorted(CODES))
def test_every_packet_duration_passes_whole(studio: Studio, duration: int) -> None:
    studio.until(1.0)
    studio.open()
    count = 96_000 // duration
    studio.talk(0, count, duration=duration)
    studio.until(1.0 + 2.3)
    assert studio.numbers() == list(range(count))
    assert {frame.duration for _, frame in studio.host_frames()} == {duration}
    assert studio.stream.counters.lost == studio.stream.counters.late == 0
    studio.check()


def test_reordered_packets_leave_in_order(studio: Studio) -> None:
    studio.open()
    studio.talk(0, 10)
    studio.send(11)
    studio.until(studio.now + 0.02)
    studio.send(10)
    studio.talk(12, 20, start=studio.now + 0.02)
    studio.until(1.0)
    assert studio.numbers() == list(range(20))
    assert studio.stream.counters.lost == 0


def test_second_packet_with_the_same_timestamp_is_dropped_and_counted(studio: Studio) -> None:
    studio.open()
    studio.talk(0, 10)
    studio.stream.receive(A, 77, 9 * 960, CODES[960] + b"other", now=studio.now)
    studio.until(0.3)
    assert studio.numbers() == list(range(10))
    assert studio.stream.counters.duplicates == 1


def test_frame_recovered_from_red_fills_its_gap(studio: Studio) -> None:
    studio.open()
    studio.talk(0, 10)
    studio.until(studio.now + 0.04)  # 10 is lost; 11 carries it
    for number in (9, 10, 11):
        studio.send(number)
    studio.until(0.4)
    assert studio.numbers() == list(range(12))
    assert studio.stream.counters.lost == 0
    assert studio.stream.counters.duplicates == 1


def test_lost_frames_leave_a_gap_in_sequence_and_timestamp(studio: Studio) -> None:
    studio.open()
    studio.talk(0, 10)
    studio.talk(12, 20, start=studio.now + 0.06)
    studio.until(0.5)
    frames = {n: frame for n, (_, frame) in zip(studio.numbers(), studio.host_frames(), strict=True)}
    assert frames[12].sequence - frames[9].sequence == 3
    assert frames[12].timestamp - frames[9].timestamp == 3 * 960
    assert studio.stream.counters.lost == 2


def test_frame_later_than_its_successor_is_late_and_never_heard(studio: Studio) -> None:
    studio.open()
    studio.talk(0, 5)
    studio.talk(6, 15, start=studio.now + 0.04)
    studio.send(5)
    studio.until(0.4)
    assert 5 not in studio.numbers()
    assert studio.stream.counters.late == 1
    assert studio.stream.counters.lost == 1


def test_frame_after_its_due_time_but_before_its_successor_leaves_at_once(studio: Studio) -> None:
    studio.open()
    studio.talk(0, 10)
    studio.until(9 * 0.02 + 0.15)
    studio.send(10)
    studio.until(studio.now)
    assert studio.numbers()[-1] == 10
    assert studio.heard[-1][0] == pytest.approx(9 * 0.02 + 0.15)
    studio.check()


def test_discontinuous_transmission_leaves_a_gap_in_the_timestamp_alone(studio: Studio) -> None:
    studio.open()
    studio.talk(0, 10)
    for step in range(3):  # as libopus with DTX: one packet every 400 ms
        studio.until(0.18 + 0.4 * (step + 1))
        studio.send(10 + step, timestamp=9 * 960 + 19_200 * (step + 1))
    studio.until(1.45)
    frames = [frame for _, frame in studio.host_frames()]
    assert studio.numbers() == list(range(13))
    assert [f.timestamp - frames[9].timestamp for f in frames[9:]] == [0, 19_200, 38_400, 57_600]
    assert [f.sequence - frames[9].sequence for f in frames[9:]] == [0, 1, 2, 3]
    assert studio.stream.counters.lost == 0

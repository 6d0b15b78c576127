from __future__ import annotations

from itertools import pairwise

import pytest

from stentor.core.opus.toc import SILENCE_20MS
from stentor.core.stage.program import ProgramFrame, ProgramStream

A, B = b"source-a", b"source-b"
DELAY, AWAY = 0.06, 0.4
CODES = {
    120: b"\x80",
    240: b"\x88",
    480: b"\x90",
    960: b"\x98",
    1920: b"\x10",
    2880: b"\x18",
    5760: b"\x19ab",
}
"""Opus packets by duration: CELT 2.5 to 20 ms, SILK 40 and 60 ms, two SILK frames of 60 ms."""


class Studio:
    """A stream with its shell: time goes on in `until`, whatever is due is polled at its due time."""

    def __init__(self) -> None:
        self.stream = ProgramStream(
            first_sequence=100, first_timestamp=1_000_000, now=0.0, delay=DELAY, away_after=AWAY
        )
        self.now = 0.0
        self.heard: list[tuple[float, ProgramFrame]] = []

    def until(self, now: float) -> None:
        while (due := self.stream.next_due()) <= now:
            self.now = max(self.now, due)
            self.heard += [(self.now, frame) for frame in self.stream.poll(now=self.now)]
        self.now = max(self.now, now)

    def open(self, source: bytes = A) -> None:
        self.stream.open_source(source, now=self.now)

    def close(self, source: bytes = A) -> None:
        self.stream.close_source(source, now=self.now)

    def send(
        self, number: int, source: bytes = A, *, timestamp: int | None = None, duration: int = 960
    ) -> None:
        """Frame `number` arrives now."""
        timestamp = number * duration if timestamp is None else timestamp
        payload = CODES[duration] + source + number.to_bytes(4, "big")
        if duration == 5760 and len(payload) % 2 == 0:
            payload += b"\0"
        self.stream.receive(source, number & 0xFFFF, timestamp & 0xFFFFFFFF, payload, now=self.now)

    def talk(
        self, first: int, last: int, source: bytes = A, *, duration: int = 960, start: float | None = None
    ) -> None:
        """Frames `first` to `last` arrive in real time from now on."""
        begin = self.now if start is None else start
        for number in range(first, last):
            self.until(begin + (number - first) * duration / 48_000)
            self.send(number, source, duration=duration)

    def frames(self) -> list[ProgramFrame]:
        return [frame for _, frame in self.heard]

    def numbers(self, source: bytes = A) -> list[int]:
        """Numbers of the host frames heard from `source`."""
        spoken = [frame.payload for frame in self.frames() if source in frame.payload]
        return [int.from_bytes(payload.split(source)[1][:4], "big") for payload in spoken]

    def host_frames(self) -> list[tuple[float, ProgramFrame]]:
        return [(at, frame) for at, frame in self.heard if frame.payload != SILENCE_20MS]

    def check(self) -> None:
        """What holds always: numbers only grow, no frame reaches into the next one."""
        frames = self.frames()
        for before, after in pairwise(frames):
            assert after.sequence > before.sequence
            assert after.timestamp >= before.timestamp + before.duration


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


def test_silence_begins_when_the_host_was_away_long_enough(studio: Studio) -> None:
    studio.open()
    studio.talk(0, 50)
    assert studio.stream.host_present(studio.now)
    studio.until(2.0)
    last_at, last = studio.host_frames()[-1]
    after = [(at, frame) for at, frame in studio.heard if at > last_at]
    assert after[0][0] == pytest.approx(last_at + 0.02 + AWAY)
    assert after[0][1].sequence == last.sequence + 1
    assert after[0][1].timestamp == last.timestamp + 960 + round(AWAY * 48_000)
    assert all(frame.payload == SILENCE_20MS for _, frame in after)
    assert not studio.stream.host_present(2.0)
    studio.check()


def test_closing_the_source_plays_what_waits_then_silence_at_once(studio: Studio) -> None:
    studio.open()
    studio.talk(0, 50)
    studio.close()
    studio.until(2.0)
    assert studio.numbers() == list(range(50))
    frames = studio.frames()
    last = next(n for n, frame in enumerate(frames) if A + (49).to_bytes(4, "big") in frame.payload)
    assert frames[last + 1].payload == SILENCE_20MS
    assert frames[last + 1].timestamp == frames[last].timestamp + 960
    assert not studio.stream.host_present(studio.now)


@pytest.mark.parametrize("away", [0.5, 5.0, 600.0])
@pytest.mark.parametrize("source", [A, B])
def test_host_comes_back_and_is_heard_within_100_ms(studio: Studio, away: float, source: bytes) -> None:
    studio.open()
    studio.talk(40_000, 40_050)
    studio.until(studio.now + away)
    back = studio.now
    if source is B:
        studio.open(B)  # a reloaded page: new numbers
        studio.talk(7, 57, B)
    else:
        studio.talk(40_050 + int(away * 50), 40_100 + int(away * 50))
    studio.until(studio.now + 0.1)
    assert len(studio.numbers(source)[-50:]) == 50
    returned = next(at for at, _ in studio.host_frames() if at >= back)
    assert returned - back < 0.1
    assert studio.stream.counters.lost == 0
    at, last = studio.host_frames()[-1]
    assert last.timestamp == pytest.approx(1_000_000 + at * 48_000, abs=960)
    studio.check()


def test_sequence_has_no_gap_when_the_host_comes_back(studio: Studio) -> None:
    studio.open()
    studio.talk(0, 50)
    studio.until(3.0)
    studio.talk(400, 450)
    studio.until(5.0)
    sequences = [frame.sequence for frame in studio.frames()]
    assert sequences == list(range(100, 100 + len(sequences)))


def test_second_source_replaces_the_first_at_once(studio: Studio) -> None:
    studio.open(A)
    studio.talk(0, 50, A)
    studio.open(B)
    taken_over = studio.now
    for n in range(20):  # the old page still sends
        studio.until(taken_over + n * 0.02)
        studio.send(50 + n, A)
        studio.send(30_000 + n, B)
    studio.close(A)
    studio.until(studio.now + 0.1)
    assert studio.numbers(A) == list(range(47))  # heard up to the takeover, not after it
    assert studio.numbers(B) == list(range(30_000, 30_020))
    assert studio.stream.host_present(studio.now)
    silent = [at for at, frame in studio.heard if frame.payload == SILENCE_20MS]
    assert all(at < 0.1 for at in silent)
    studio.check()


def test_unknown_source_is_ignored(studio: Studio) -> None:
    studio.send(1, A)
    studio.open(A)
    studio.send(1, B)
    studio.close(B)
    studio.until(0.5)
    assert studio.host_frames() == []
    assert studio.stream.counters.duplicates == studio.stream.counters.late == 0


@pytest.mark.parametrize("jump", [0.0, 4.9, -3.0, 1_000.0, -1_000.0])
def test_laptop_sleep_ties_the_hosts_clock_afresh(studio: Studio, jump: float) -> None:
    """The host stops for 5 s; its timestamps stand still meanwhile, go on, or leap."""
    studio.open()
    studio.talk(0, 100)
    studio.until(studio.now + 5.0)
    woke = studio.now
    leap = round(jump * 48_000)
    for n in range(100):
        studio.until(woke + n * 0.02)
        studio.send(100 + n, timestamp=(100 + n) * 960 + leap)
    studio.until(studio.now + 0.2)
    assert studio.numbers() == list(range(200))
    first = next(at for at, _ in studio.host_frames() if at > woke)
    assert first - woke < 0.1
    assert studio.stream.counters.restarts == 2
    studio.check()


@pytest.mark.parametrize("leap", [3.0, -3.0, 1_000.0, -1_000.0, 44_000.0])
def test_leap_of_timestamps_in_mid_stream_costs_a_few_frames_only(studio: Studio, leap: float) -> None:
    studio.open()
    studio.talk(0, 100)
    resumed = studio.now + 0.02
    for n in range(100):
        studio.until(resumed + n * 0.02)
        studio.send(100 + n, timestamp=(100 + n) * 960 + round(leap * 48_000))
    studio.until(studio.now + 0.2)
    missing = set(range(200)) - set(studio.numbers())
    assert len(missing) <= 4  # the one that has to be confirmed and, before a step back, what waited
    assert studio.stream.counters.restarts == 2
    at, last = studio.host_frames()[-1]
    assert last.timestamp == pytest.approx(1_000_000 + at * 48_000, abs=960)
    studio.check()


def test_one_stray_packet_moves_nothing(studio: Studio) -> None:
    studio.open()
    studio.talk(0, 50)
    studio.send(9_999, timestamp=99_999_999)
    studio.talk(50, 100, start=studio.now + 0.02)
    studio.until(2.5)
    assert studio.numbers() == list(range(100))
    assert studio.stream.counters.restarts == 1
    assert studio.stream.counters.late == 1


def test_red_of_the_first_packet_after_a_pause_repeats_nothing(studio: Studio) -> None:
    studio.open()
    studio.talk(0, 50)
    studio.until(6.0)  # the host's clock stood still
    for number in (48, 49, 50):
        studio.send(number)
    studio.talk(51, 60, start=6.02)
    studio.until(7.0)
    assert studio.numbers() == list(range(60))


def test_stalled_network_gives_late_frames_in_their_own_place(studio: Studio) -> None:
    studio.open()
    studio.talk(0, 50)
    studio.until(studio.now + 0.2)
    for number in range(50, 60):
        studio.send(number)
    studio.talk(60, 100, start=60 * 0.02)
    studio.until(2.5)
    assert studio.numbers() == list(range(100))
    assert studio.stream.counters.lost == 0


@pytest.mark.parametrize("stall", [0.15, 1.0, 30.0])
def test_poll_after_a_stall_gives_a_small_burst_and_the_time_of_day(studio: Studio, stall: float) -> None:
    studio.until(1.0)
    frames = studio.stream.poll(now=1.0 + stall)
    assert 1 <= len(frames) <= 11
    assert frames[-1].timestamp == pytest.approx(1_000_000 + (1.0 + stall) * 48_000, abs=960)
    assert studio.stream.next_due() > 1.0 + stall


def test_stalled_loop_gives_up_host_frames_that_are_long_overdue(studio: Studio) -> None:
    studio.open()
    studio.talk(0, 50)
    for number in range(50, 150):  # received in time, not polled
        studio.now = number * 0.02
        studio.send(number)
    studio.now += 0.01
    frames = studio.stream.poll(now=studio.now)
    assert len(frames) <= 11
    studio.heard += [(studio.now, frame) for frame in frames]
    studio.talk(150, 160, start=3.0)
    studio.until(4.0)
    assert studio.numbers()[47:] == list(range(137, 160))  # 200 ms back from the poll
    studio.check()


def test_malformed_payload_is_counted_and_dropped(studio: Studio) -> None:
    studio.open()
    for payload in (b"", b"\x03", b"\x03\x00", b"\x1b\x3f"):
        studio.stream.receive(A, 1, 960, payload, now=0.0)
    studio.until(0.2)
    assert studio.stream.counters.malformed == 4
    assert studio.host_frames() == []


def test_sequence_and_timestamp_wrap_is_invisible(studio: Studio) -> None:
    studio.open()
    for n in range(100):
        studio.until(n * 0.02)
        studio.send(65_500 + n, timestamp=0xFFFFFFFF - 50_000 + n * 960)
    studio.until(2.1)
    frames = [frame for _, frame in studio.host_frames()]
    assert len(frames) == 100
    assert [f.sequence - frames[0].sequence for f in frames] == list(range(100))
    assert [f.timestamp - frames[0].timestamp for f in frames] == [n * 960 for n in range(100)]


def test_silence_draws_timestamps_back_to_elapsed_time(studio: Studio) -> None:
    studio.open()
    for n in range(30_000):  # ten minutes of a host clock 500 ppm fast: 300 ms ahead
        studio.until(n * 0.02 / 1.0005)
        studio.send(n)
    studio.close()
    studio.until(studio.now + 0.1)
    ahead = studio.stream.timestamp_at(studio.now) - 1_000_000 - studio.now * 48_000
    assert ahead == pytest.approx(0.3 * 48_000, rel=0.05)
    studio.until(studio.now + 120.0)
    assert studio.stream.timestamp_at(studio.now) == pytest.approx(1_000_000 + studio.now * 48_000, abs=10)
    studio.check()


def test_timestamp_at_agrees_with_the_frame_that_leaves_then(studio: Studio) -> None:
    studio.open()
    studio.talk(0, 50)
    at, frame = studio.host_frames()[-1]
    assert studio.stream.timestamp_at(at) == pytest.approx(frame.timestamp, abs=1)

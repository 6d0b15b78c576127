"""Hosts that leave, come back, are replaced, or whose clock jumps."""

from __future__ import annotations

import pytest

from stentor.core.opus.toc import SILENCE_20MS
from support.program_studio import AWAY, A, B, Studio


@pytest.fixture
def studio() -> Studio:
    return Studio()


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

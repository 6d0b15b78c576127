from __future__ import annotations

import random

import pytest

from stentor.core.rtp.jitter_buffer import MediaPacket
from stentor.core.stage.pacer import MAX_FREQUENCY, MAX_STEER, HostClock

DELAY = 0.06


def packet(timestamp: int) -> MediaPacket:
    return MediaPacket(0, timestamp, b"\x78", 960)


def settled_clock() -> HostClock:
    clock = HostClock(DELAY)
    clock.anchor(0, due=DELAY)
    clock.settled(0.0)
    return clock


def feed(
    clock: HostClock, first: int, last: int, *, ppm: float = 0.0, late: float = 0.0, jitter: float = 0.0
) -> None:
    """Frames `first` to `last` of a host whose clock is `ppm` fast."""
    rng = random.Random(7)
    for number in range(first, last):
        now = number * 0.02 / (1 + ppm * 1e-6) + late + jitter * rng.random()
        clock.observe(number * 960, clock.error(number * 960, now), now)


def test_first_frame_is_due_when_the_anchor_says() -> None:
    clock = HostClock(DELAY)
    assert not clock.anchored
    clock.anchor(5_000, due=10.0)
    assert clock.anchored
    assert clock.settling
    assert clock.due(packet(5_000)) == pytest.approx(10.0)
    assert clock.due(packet(5_960)) == pytest.approx(10.02)
    assert clock.error(5_000, 10.0 - DELAY) == pytest.approx(0.0)


def test_advance_pulls_the_line_in_while_settling() -> None:
    clock = HostClock(DELAY)
    clock.anchor(0, due=1.0)
    clock.advance(0.04)
    assert clock.due(packet(0)) == pytest.approx(0.96)


@pytest.mark.parametrize("ppm", [200.0, -200.0, 20.0])
def test_learns_the_hosts_frequency_within_three_minutes(ppm: float) -> None:
    clock = settled_clock()
    feed(clock, 1, 9_000, ppm=ppm)
    assert clock.frequency * 1e6 == pytest.approx(-ppm, abs=3)
    assert clock.error(9_000 * 960, 9_000 * 0.02 / (1 + ppm * 1e-6)) == pytest.approx(0.0, abs=1e-4)


def test_jitter_above_the_floor_moves_the_line_by_less_than_two_milliseconds() -> None:
    clock = settled_clock()
    feed(clock, 1, 9_000, jitter=0.03)
    assert abs(clock.error(9_000 * 960, 180.0)) < 0.002
    assert abs(clock.frequency) < 20e-6


@pytest.mark.parametrize("late", [0.1, -0.1])
def test_changed_route_is_followed_in_seconds_and_teaches_no_frequency(late: float) -> None:
    clock = settled_clock()
    feed(clock, 1, 500)
    feed(clock, 500, 1_000, late=late)
    assert abs(clock.error(1_000 * 960, 20.0 + late)) < 0.010
    assert abs(clock.frequency) < 100e-6


def test_line_never_bends_more_than_its_limits() -> None:
    clock = settled_clock()
    steepest = 0.0
    before = clock.due(packet(0))
    for number in range(1, 5_000):  # a host that claims twice the time that passes
        now = number * 0.01
        clock.observe(number * 960, clock.error(number * 960, now), now)
        due = clock.due(packet(number * 960))
        steepest = max(steepest, abs((due - before) / 0.02 - 1))
        before = due
    assert steepest <= MAX_STEER + MAX_FREQUENCY + 1e-9
    assert abs(clock.frequency) <= MAX_FREQUENCY


def test_new_anchor_keeps_the_frequency_learnt() -> None:
    clock = settled_clock()
    feed(clock, 1, 9_000, ppm=200)
    learnt = clock.frequency
    clock.anchor(123_456, due=500.0)
    assert clock.frequency == learnt
    assert clock.due(packet(123_456 + 48_000)) == pytest.approx(500.0 + 1 + learnt)


def test_arrivals_do_not_move_a_line_that_is_settling() -> None:
    clock = HostClock(DELAY)
    clock.anchor(0, due=DELAY)
    for number in range(100):
        clock.observe(number * 960, 0.1, number * 0.02)
    assert clock.due(packet(0)) == pytest.approx(DELAY)

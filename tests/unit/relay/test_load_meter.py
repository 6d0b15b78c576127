"""From totals to windows."""

from __future__ import annotations

import pytest

from stentor.net.media_load import MediaLoad
from stentor.relay.load_meter import IDLE_MOST, LoadMeter


class Totals:
    """What a test says has been counted."""

    def __init__(self, *, joining: float | None = 0.0) -> None:
        self.media = MediaLoad(joining=joining)
        self.process = 0.0
        self.meter = LoadMeter(lambda: self.media, lambda: self.process, now=0.0)
        self.now = 0.0

    def idle(self, seconds: float, *, cpu: float) -> None:
        """Windows in which nobody joins, with `cpu` seconds a second beside media."""
        for _ in range(round(seconds / 0.25)):
            self.now += 0.25
            self.process += 0.25 * cpu
            self.meter.take(self.now, joining=False)


def test_windows_have_what_was_added_to_the_totals() -> None:
    totals = Totals()
    totals.media = MediaLoad(0.05, 300, {0.001: 290, 0.02: 10}, 0.02)
    totals.process = 0.09
    for _ in range(3):
        totals.meter.note_attempt()
    window = totals.meter.take(0.25, joining=True)
    assert (window.seconds, window.packets, window.attempts) == (0.25, 300, 3)
    assert (window.media_cpu, window.join_cpu) == (pytest.approx(0.05), pytest.approx(0.04))
    assert window.cpu == pytest.approx(0.09)
    again = totals.meter.take(0.5, joining=False)
    assert (again.packets, again.attempts, again.media_cpu, again.lateness) == (0, 0, 0.0, 0.0)


def test_lateness_is_the_larger_of_loop_and_packets() -> None:
    totals = Totals()
    for lag in (0.0, 0.001, 0.03, 0.03):
        totals.meter.note_lag(lag)
    totals.media = MediaLoad(lateness={0.001: 100})
    assert totals.meter.take(0.25, joining=False).lateness == 0.03
    totals.meter.note_lag(0.001)
    totals.media = MediaLoad(lateness={0.001: 100, 0.04: 1, 0.06: 5})
    assert totals.meter.take(0.5, joining=False).lateness == pytest.approx(0.0576)
    totals.media = MediaLoad(lateness={0.001: 200, 0.04: 1, 0.06: 5})
    assert totals.meter.take(0.75, joining=False).lateness == pytest.approx(0.0009)


def test_timer_that_is_early_is_not_late() -> None:
    totals = Totals()
    totals.meter.note_lag(-0.5)
    assert totals.meter.take(0.25, joining=False).lateness == 0.0


def test_what_is_always_there_is_no_join() -> None:
    totals = Totals(joining=None)
    totals.idle(60.0, cpu=0.04)
    totals.meter.note_attempt()
    totals.process += 0.25 * 0.04 + 0.005
    window = totals.meter.take(totals.now + 0.25, joining=False)
    assert window.join_cpu == pytest.approx(0.005, abs=2e-4)


def test_gateway_that_sends_people_away_makes_joins_no_dearer() -> None:
    totals = Totals()
    totals.meter.note_attempt()
    totals.process += 0.2
    totals.media = MediaLoad(joining=0.003)
    window = totals.meter.take(0.25, joining=True)
    assert window.join_cpu == pytest.approx(0.006)
    assert window.cpu == pytest.approx(0.006)


def test_gateway_that_is_busy_for_long_is_not_the_shards_load() -> None:
    totals = Totals()
    totals.idle(60.0, cpu=0.95)
    totals.process += 0.25
    window = totals.meter.take(totals.now + 0.25, joining=False)
    assert window.cpu <= IDLE_MOST * 0.25 + 1e-9


def test_window_of_no_length_divides_nothing_by_zero() -> None:
    assert Totals().meter.take(0.0, joining=False).seconds > 0

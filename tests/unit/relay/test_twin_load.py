"""Totals of the Python fan-out."""

from __future__ import annotations

import math

from stentor.relay.twin_load import TwinLoad


def test_frames_add_up_and_fall_into_ranges_of_lateness() -> None:
    load = TwinLoad()
    load.sent(10, late=0.0015, cpu=0.25)
    load.sent(5, late=0.002, cpu=0.25)
    load.sent(1, late=7.0, cpu=0.5)
    total = load.total()
    assert (total.cpu, total.packets, total.joining) == (1.0, 16, None)
    assert {limit: count for limit, count in total.lateness.items() if count} == {0.002: 15, math.inf: 1}


def test_total_that_was_taken_does_not_change() -> None:
    load = TwinLoad()
    before = load.total()
    load.sent(1, late=0.0, cpu=1.0)
    assert (before.cpu, before.packets, sum(before.lateness.values())) == (0.0, 0, 0)

from __future__ import annotations

import pytest

from stentor_loadtest.histogram import Histogram
from stentor_loadtest.listener.reception import Reception


def feed(packets: list[tuple[int, float]]) -> tuple[Reception, Histogram]:
    """(sequence, arrival) pairs of a stream whose frame n has timestamp 960 n."""
    lateness = Histogram()
    reception = Reception(lateness)
    for sequence, arrival in packets:
        reception.receive(sequence & 0xFFFF, sequence * 960 & 0xFFFFFFFF, arrival)
    return reception, lateness


def test_contiguous_stream_has_no_loss_and_no_lateness() -> None:
    reception, lateness = feed([(n, n * 0.02) for n in range(65500, 65600)])
    assert (reception.packets, reception.lost, reception.backwards) == (100, 0, 0)
    assert lateness.percentile(99) <= 0.002


def test_missing_packets_are_counted_once() -> None:
    reception, _ = feed([(n, n * 0.02) for n in range(50) if n not in (10, 11, 30)])
    assert (reception.lost, reception.expected) == (3, 50)
    assert reception.longest_gap == pytest.approx(0.06)


def test_late_packet_fills_its_hole_and_a_duplicate_does_not() -> None:
    reception, _ = feed([(1, 0.02), (2, 0.04), (4, 0.08), (3, 0.085), (3, 0.09), (5, 0.1)])
    assert (reception.packets, reception.lost, reception.duplicates) == (5, 0, 1)


def test_lateness_is_measured_against_the_frames_own_time() -> None:
    _, lateness = feed([(0, 0.0), (1, 0.02), (2, 0.09), (3, 0.09)])
    assert lateness.counts[50] + lateness.counts[49] == 1
    assert lateness.share_above(0.020) == 0.5


def test_slow_clock_drift_is_not_lateness() -> None:
    _, lateness = feed([(n, n * 0.02 * 1.0002) for n in range(15000)])  # 200 ppm for five minutes
    assert lateness.percentile(100) < 0.015


def test_timestamp_going_back_is_seen() -> None:
    reception = Reception(Histogram())
    for sequence, timestamp in ((1, 5000), (2, 5960), (3, 4000)):
        reception.receive(sequence, timestamp, sequence * 0.02)
    assert reception.backwards == 1


def test_report_block_gives_the_share_lost_since_the_last_one() -> None:
    reception, _ = feed([(n, n * 0.02) for n in range(100) if n % 2 == 0 or n == 99])
    block = reception.report(7)
    assert block is not None
    assert (block.ssrc, block.packets_lost, block.highest_sequence) == (7, 49, 99)
    assert block.fraction_lost == 49 * 256 // 100
    again = reception.report(7)
    assert again is not None
    assert again.fraction_lost == 0

from __future__ import annotations

import pytest

from stentor.core.rtp.packet import RtpPacket
from stentor.core.rtp.reception import ReceptionStats

SSRC = 0xCAFEBABE
FRAME = 960  # samples: 20 ms


def receive(stats: ReceptionStats, sequences: list[int], *, start: float = 0.0) -> None:
    """Feed packets of 20 ms, each arriving when its timestamp says."""
    for sequence in sequences:
        timestamp = sequence * FRAME & 0xFFFFFFFF
        stats.receive(RtpPacket(111, sequence & 0xFFFF, timestamp, SSRC, b"x"), start + sequence * 0.02)


def test_report_before_the_first_packet_is_empty() -> None:
    block = ReceptionStats(SSRC).report(now=1.0)
    assert block.ssrc == SSRC
    assert (block.fraction_lost, block.packets_lost, block.highest_sequence) == (0, 0, 0)
    assert (block.jitter, block.lsr, block.dlsr) == (0, 0, 0)


@pytest.mark.parametrize(
    ("sequences", "lost", "fraction", "highest"),
    [
        (list(range(100, 200)), 0, 0, 199),
        ([0, 1, 2, 4, 5, 6, 7], 1, 32, 7),  # 1 of 8
        ([0, 1, 3, 2, 4], 0, 0, 4),  # reordered
        ([0, 1, 1, 1, 2], -2, 0, 2),  # duplicates count as received (RFC 3550 A.3)
        (list(range(65530, 65540)), 0, 0, 65539),  # one wrap
        ([65534, 65535, 65537], 1, 64, 65537),  # a loss at the wrap
    ],
)
def test_loss_is_counted(sequences: list[int], lost: int, fraction: int, highest: int) -> None:
    stats = ReceptionStats(SSRC)
    receive(stats, sequences)
    block = stats.report(now=10.0)
    assert (block.packets_lost, block.fraction_lost, block.highest_sequence) == (lost, fraction, highest)


def test_fraction_is_of_the_time_since_the_last_report() -> None:
    stats = ReceptionStats(SSRC)
    receive(stats, [0, 2])
    assert stats.report(now=1.0).fraction_lost == 85  # 1 of 3
    receive(stats, [3, 4, 5])
    block = stats.report(now=2.0)
    assert (block.fraction_lost, block.packets_lost) == (0, 1)


def test_silent_interval_reports_no_loss() -> None:
    stats = ReceptionStats(SSRC)
    receive(stats, [0, 1])
    stats.report(now=1.0)
    assert stats.report(now=2.0).fraction_lost == 0


def test_single_stray_packet_changes_nothing() -> None:
    stats = ReceptionStats(SSRC)
    receive(stats, [0, 1, 2, 30000, 3])
    block = stats.report(now=1.0)
    assert (block.packets_lost, block.highest_sequence) == (0, 3)


def test_two_packets_in_a_row_far_away_are_a_restarted_sender() -> None:
    stats = ReceptionStats(SSRC)
    receive(stats, [0, 1, 2])
    stats.report(now=1.0)
    receive(stats, [30000, 30001, 30002])
    block = stats.report(now=2.0)
    assert (block.packets_lost, block.fraction_lost, block.highest_sequence) == (0, 0, 30002)


def test_jitter_is_zero_for_even_arrivals() -> None:
    stats = ReceptionStats(SSRC)
    receive(stats, list(range(50)))
    assert stats.report(now=1.0).jitter == 0


def test_jitter_grows_by_a_sixteenth_of_each_change() -> None:
    stats = ReceptionStats(SSRC)
    stats.receive(RtpPacket(111, 0, 2**32 - FRAME, SSRC, b""), 5.0)
    stats.receive(RtpPacket(111, 1, 0, SSRC, b""), 5.03)  # 10 ms = 480 samples late, across the wrap
    assert stats.report(now=6.0).jitter == 480 // 16


def test_report_tells_when_the_last_sender_report_came() -> None:
    stats = ReceptionStats(SSRC)
    stats.note_sender_report(0x11112222_33334444, now=10.0)
    block = stats.report(now=10.5)
    assert (block.lsr, block.dlsr) == (0x22223333, 0x8000)

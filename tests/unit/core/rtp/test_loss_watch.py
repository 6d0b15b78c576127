"""Redundancy begins with loss and ends when the path has been clean for a while."""

from __future__ import annotations

from stentor.core.rtp.loss_watch import LossWatch


def test_two_percent_is_still_left_to_the_decoder():
    assert not LossWatch().report(5, ours=False)


def test_it_begins_with_the_first_lossy_report():
    assert LossWatch().report(6, ours=False)


def test_it_ends_after_three_clean_reports_in_a_row():
    watch = LossWatch()
    watch.report(40, ours=False)
    assert [watch.report(lost, ours=False) for lost in (0, 1, 3, 0, 0, 0)] == [True] * 5 + [False]


def test_loss_of_our_own_making_says_nothing():
    watch = LossWatch()
    assert not watch.report(200, ours=True)
    watch.report(200, ours=False)
    assert all(watch.report(0, ours=True) for _ in range(5))

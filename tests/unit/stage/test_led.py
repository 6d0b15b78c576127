"""What a stage remembers of one event."""

from __future__ import annotations

from stentor.cluster.lease_holder import LeaseHolder
from stentor.cluster.leases import Lease
from stentor.stage.led import ASKED_WITHIN, Led
from support.memory_leases import LeaseStore, MemoryLeases

ONE, TWO = ("10.0.2.1", 7000), ("10.0.2.2", 7000)


def leading(holder: bytes, epoch: int) -> Led:
    leases = MemoryLeases(LeaseStore())
    return Led(0.0, LeaseHolder(leases, Lease("event:x", holder, epoch), on_lost=lambda _: None))


def test_questions_count_from_the_first_until_nobody_asks_for_a_while() -> None:
    led = Led(0.0)
    assert led.asked(ONE, 10.0) is None
    assert led.asked(TWO, 10.5) == 0.5
    assert led.asked(ONE, 10.25 + ASKED_WITHIN) == 0.25 + ASKED_WITHIN
    assert led.asked(ONE, 10.25 + 2 * ASKED_WITHIN) is None
    assert led.askers == {ONE, TWO}


def test_questions_count_anew_when_somebody_answered() -> None:
    led = Led(0.0)
    led.asked(ONE, 10.0)
    led.asked_since = None
    assert led.asked(ONE, 10.5) is None
    assert led.asked(ONE, 11.0) == 0.5


def test_higher_epoch_has_the_better_right_and_of_one_epoch_the_higher_id() -> None:
    led = leading(b"node-b..", 5)
    assert led.epoch == 5
    assert led.is_below(6, b"") and led.is_below(6, b"node-a..") and led.is_below(5, b"node-c..")
    assert not (led.is_below(5, b"") or led.is_below(5, b"node-a..") or led.is_below(4, b"node-c.."))


def test_who_does_not_lead_is_below_nobody() -> None:
    assert Led(0.0).epoch == 0
    assert not Led(0.0).is_below(9, b"node-c..")

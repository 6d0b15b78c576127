from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.core.trunk.epochs import Epochs

ONE, TWO, THREE = b"event..1", b"event..2", b"event..3"


def test_nothing_was_seen_of_an_unknown_event() -> None:
    epochs = Epochs()
    assert epochs.highest(ONE) == 0
    assert epochs.admits(ONE, 1)
    assert not epochs.admits(ONE, 0)


def test_lower_epoch_is_fenced_and_the_same_one_goes_on() -> None:
    epochs = Epochs()
    assert epochs.see(ONE, 5)
    assert [epochs.admits(ONE, epoch) for epoch in (4, 5, 6)] == [False, True, True]
    assert not epochs.see(ONE, 5)
    assert not epochs.see(ONE, 4)
    assert epochs.highest(ONE) == 5


def test_events_are_fenced_apart() -> None:
    epochs = Epochs()
    epochs.see(ONE, 9)
    assert epochs.admits(TWO, 1)


def test_event_asked_for_longest_ago_makes_room() -> None:
    epochs = Epochs(capacity=2)
    epochs.see(ONE, 1)
    epochs.see(TWO, 1)
    epochs.highest(ONE)
    epochs.see(THREE, 1)
    assert (epochs.highest(ONE), epochs.highest(TWO), epochs.highest(THREE)) == (1, 0, 1)
    assert len(epochs) == 2


def test_forgotten_event_begins_again() -> None:
    epochs = Epochs()
    epochs.see(ONE, 4)
    epochs.forget(ONE)
    epochs.forget(TWO)
    assert epochs.highest(ONE) == 0


def test_capacity_must_be_positive() -> None:
    with pytest.raises(ValueError):
        Epochs(capacity=0)


@given(st.lists(st.integers(0, 2**32 - 1), max_size=30))
def test_epoch_never_goes_back(seen: list[int]) -> None:
    epochs = Epochs()
    for count, epoch in enumerate(seen, 1):
        assert epochs.see(ONE, epoch) is (epoch > max([0, *seen[: count - 1]]))
        assert epochs.highest(ONE) == max(seen[:count])

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.webrtc.replay_window import WINDOW, ReplayWindow, estimate_index


def window_after(*indices: int) -> ReplayWindow:
    window = ReplayWindow()
    for index in indices:
        assert window.is_fresh(index)
        window.mark(index)
    return window


@pytest.mark.parametrize(
    ("seen", "index", "fresh"),
    [
        ((), 0, True),
        ((), 65535, True),
        ((0,), 0, False),
        ((5,), 4, True),
        ((5, 4), 4, False),
        ((5, 4), 5, False),
        ((5,), 6, True),
        ((WINDOW,), 1, True),  # the oldest index the window holds
        ((WINDOW,), 0, False),  # just too old
        ((1, WINDOW), 1, False),
        ((0, WINDOW + 5), 6, True),
        ((10, 10 + WINDOW - 1), 10, False),
        ((10, 10**14), 10**14 - 1, True),
        ((10, 10**14), 10, False),
    ],
)
def test_index_is_fresh_once(seen: tuple[int, ...], index: int, fresh: bool) -> None:
    assert window_after(*seen).is_fresh(index) is fresh


def test_asking_changes_nothing() -> None:
    window = window_after(5)
    assert window.is_fresh(1000)
    assert window.highest == 5
    assert window.is_fresh(4)


@settings(max_examples=200)
@given(st.lists(st.integers(0, 3 * WINDOW), max_size=80))
def test_window_agrees_with_a_set(indices: list[int]) -> None:
    window, seen = ReplayWindow(), set[int]()
    for index in indices:
        fresh = index not in seen and index > max(seen, default=-1) - WINDOW
        assert window.is_fresh(index) is fresh
        if fresh:
            window.mark(index)
            seen.add(index)


@pytest.mark.parametrize(
    ("highest", "sequence", "index"),
    [
        (-1, 0, 0),
        (-1, 65535, 65535),
        (100, 101, 101),
        (100, 99, 99),
        (65535, 0, 0x10000),  # wrap
        (65535, 65534, 65534),
        (0x10000, 65535, 65535),  # late packet from before the wrap
        (0x10005, 6, 0x10006),
        (0x2_8000, 0, 0x2_0000),  # exactly half a turn back: not a wrap
        (0x2_8001, 0, 0x3_0000),
        (0x2_7FFF, 0xFFFF, 0x2_FFFF),
        (0x2_7FFE, 0xFFFF, 0x1_FFFF),
        (5, 65535, 65535),  # nothing comes before the start of the stream
    ],
)
def test_index_is_the_nearest_one_to_the_newest(highest: int, sequence: int, index: int) -> None:
    assert estimate_index(highest, sequence) == index


@settings(max_examples=200)
@given(st.integers(0x10000, 2**40), st.integers(-0x7FFF, 0x7FFF))
def test_index_within_half_a_turn_is_found(highest: int, distance: int) -> None:
    index = highest + distance
    assert estimate_index(highest, index & 0xFFFF) == index

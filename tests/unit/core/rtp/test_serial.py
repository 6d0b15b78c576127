from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.rtp.serial import Unwrapper, seq_diff, timestamp_diff


@pytest.mark.parametrize(
    ("a", "b", "difference"),
    [
        (5, 3, 2),
        (3, 5, -2),
        (0, 65535, 1),
        (65535, 0, -1),
        (0x7FFF, 0, 0x7FFF),
        (0x8000, 0, -0x8000),
        (7, 7, 0),
    ],
)
def test_sequence_difference_takes_the_shorter_way(a: int, b: int, difference: int) -> None:
    assert seq_diff(a, b) == difference


@pytest.mark.parametrize(
    ("a", "b", "difference"),
    [(960, 0, 960), (0, 960, -960), (100, 2**32 - 860, 960), (2**31, 0, -(2**31))],
)
def test_timestamp_difference_takes_the_shorter_way(a: int, b: int, difference: int) -> None:
    assert timestamp_diff(a, b) == difference


@pytest.mark.parametrize(
    ("bits", "values", "extended"),
    [
        (16, [65534, 65535, 0, 1], [65534, 65535, 65536, 65537]),
        (16, [65535, 1, 0, 65534, 2], [65535, 65537, 65536, 65534, 65538]),
        (16, [0, 65535, 1], [0, -1, 1]),
        (16, [10, 10], [10, 10]),
        (32, [2**32 - 960, 0, 960], [2**32 - 960, 2**32, 2**32 + 960]),
    ],
)
def test_unwrapper_follows_the_counter(bits: int, values: list[int], extended: list[int]) -> None:
    unwrapper = Unwrapper(bits)
    assert [unwrapper.unwrap(value) for value in values] == extended


@settings(max_examples=200)
@given(st.integers(0, 0xFFFF), st.lists(st.integers(-0x7FFF, 0x7FFF), max_size=50))
def test_unwrapper_recovers_every_walk_of_less_than_half_a_turn(start: int, steps: list[int]) -> None:
    unwrapper = Unwrapper()
    position = start
    assert unwrapper.unwrap(start) == start
    for step in steps:
        position += step
        assert unwrapper.unwrap(position & 0xFFFF) == position

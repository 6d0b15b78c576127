from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.mesh.replay import ReplayTable

A, B, C = b"a" * 8, b"b" * 8, b"c" * 8


@given(st.lists(st.integers(1, 200), max_size=100))
@settings(max_examples=200)
def test_no_counter_is_accepted_twice(counters: list[int]) -> None:
    table = ReplayTable()
    accepted = [counter for counter in counters if table.accept(A, counter)]
    assert len(accepted) == len(set(accepted))


def test_datagrams_that_overtake_each_other_are_all_accepted() -> None:
    table = ReplayTable()
    order = [block + step for block in range(1, 1000, 64) for step in reversed(range(64))]
    assert all(table.accept(A, counter) for counter in order)


def test_datagram_older_than_the_window_is_refused() -> None:
    table = ReplayTable()
    assert table.accept(A, 1000)
    assert not table.accept(A, 1000 - 128)


def test_senders_do_not_share_a_window() -> None:
    table = ReplayTable()
    assert table.accept(A, 5) and table.accept(B, 5)
    assert not table.accept(A, 5)


def test_sender_silent_for_longest_makes_room() -> None:
    table = ReplayTable(capacity=2)
    for sender in (A, B, A, C):
        table.accept(sender, len(table) + 100 * (sender == A))
    assert len(table) == 2
    assert not table.accept(A, 100), "A spoke after B, so B made room"

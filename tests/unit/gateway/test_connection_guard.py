from __future__ import annotations

import dataclasses

import pytest

from stentor.gateway.connection_guard import ConnectionGuard, ConnectionLimits

LIMITS = ConnectionLimits(total=4, per_network=3, accepts_per_second=10.0, accept_burst=100)


@pytest.fixture
def guard() -> ConnectionGuard:
    return ConnectionGuard(LIMITS)


def test_one_network_cannot_have_every_place(guard: ConnectionGuard) -> None:
    assert [guard.enter("a", now=0.0) for _ in range(4)] == [None, None, None, "too-many-connections"]
    assert guard.enter("b", now=0.0) is None
    assert guard.enter("c", now=0.0) == "too-many-connections"


def test_place_that_is_given_back_is_free_again(guard: ConnectionGuard) -> None:
    for _ in range(3):
        guard.enter("a", now=0.0)
    guard.leave("a")
    assert guard.total == 2
    assert guard.enter("a", now=0.0) is None


def test_refused_connection_takes_no_place(guard: ConnectionGuard) -> None:
    for _ in range(10):
        guard.enter("a", now=0.0)
    for _ in range(3):
        guard.leave("a")
    assert guard.total == 0


def test_too_many_in_a_second_are_refused_and_a_second_later_they_are_not() -> None:
    guard = ConnectionGuard(
        ConnectionLimits(total=100, per_network=None, accepts_per_second=10.0, accept_burst=5)
    )
    assert [guard.enter("a", now=0.0) for _ in range(6)][-2:] == [None, "accepts"]
    assert guard.enter("a", now=0.1) is None


def test_behind_a_proxy_the_network_is_no_limit() -> None:
    guard = ConnectionGuard(dataclasses.replace(LIMITS, per_network=None))
    assert [guard.enter("proxy", now=0.0) for _ in range(4)] == [None] * 4

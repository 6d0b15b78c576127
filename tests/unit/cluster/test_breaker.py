from __future__ import annotations

from stentor.cluster.breaker import Breaker


def opened(*, at: float) -> Breaker:
    breaker = Breaker(failures=3, open_for=1.0)
    for _ in range(3):
        breaker.failed(now=at)
    return breaker


def test_breaker_stays_closed_below_its_number_of_failures() -> None:
    breaker = Breaker(failures=3)
    breaker.failed(now=0.0)
    breaker.failed(now=0.0)
    assert breaker.allows(now=0.0)


def test_success_forgets_earlier_failures() -> None:
    breaker = Breaker(failures=3)
    for _ in range(10):
        breaker.failed(now=0.0)
        breaker.failed(now=0.0)
        breaker.succeeded()
    assert breaker.allows(now=0.0)


def test_open_breaker_lets_nobody_wait() -> None:
    breaker = opened(at=5.0)
    assert not breaker.allows(now=5.0)
    assert not breaker.allows(now=5.9)


def test_open_breaker_lets_one_probe_through_per_period() -> None:
    breaker = opened(at=5.0)
    assert breaker.allows(now=6.0)
    assert not breaker.allows(now=6.1)
    breaker.failed(now=6.2)
    assert not breaker.allows(now=7.1)
    assert breaker.allows(now=7.2)


def test_probe_that_succeeds_closes_the_breaker() -> None:
    breaker = opened(at=5.0)
    assert breaker.allows(now=6.0)
    breaker.succeeded()
    assert breaker.allows(now=6.0)
    assert breaker.allows(now=6.0)


def test_breaker_opens_after_few_failures_too_when_nothing_else_happened_for_a_while() -> None:
    breaker = Breaker(failures=5, failing_for=0.5)
    breaker.failed(now=10.0)
    breaker.failed(now=10.4)
    assert not breaker.is_open
    breaker.failed(now=10.5)
    assert breaker.is_open and not breaker.allows(now=10.6)


def test_failures_far_apart_with_successes_between_open_nothing() -> None:
    breaker = Breaker(failures=5, failing_for=0.5)
    for second in range(20):
        breaker.failed(now=float(second))
        breaker.succeeded()
    assert not breaker.is_open

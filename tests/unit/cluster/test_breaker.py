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

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.admission.gcra import Gcra, network_key


def test_burst_is_let_through_at_once_and_the_next_one_told_how_long() -> None:
    limiter = Gcra(rate=2.0, burst=3)
    assert [limiter.check("a", now=10.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert limiter.check("a", now=10.0) == pytest.approx(0.5)


def test_wait_that_was_told_is_enough() -> None:
    limiter = Gcra(rate=3.0, burst=1)
    limiter.check("a", now=0.0)
    wait = limiter.check("a", now=0.1)
    assert limiter.check("a", now=0.1 + wait) == 0.0


def test_refused_request_costs_nothing() -> None:
    limiter = Gcra(rate=1.0, burst=1)
    limiter.check("a", now=0.0)
    for _ in range(1000):
        assert limiter.check("a", now=0.5) == pytest.approx(0.5)
    assert limiter.check("a", now=1.0) == 0.0


def test_keys_do_not_share_an_allowance() -> None:
    limiter = Gcra(rate=1.0, burst=1)
    assert limiter.check("a", now=0.0) == 0.0
    assert limiter.check("b", now=0.0) == 0.0
    assert limiter.check("a", now=0.0) > 0.0


def test_burst_comes_back_after_a_pause_and_no_more_than_it() -> None:
    limiter = Gcra(rate=1.0, burst=2)
    for _ in range(2):
        limiter.check("a", now=0.0)
    later = [limiter.check("a", now=1000.0) for _ in range(3)]
    assert later[:2] == [0.0, 0.0] and later[2] > 0.0


def test_table_stays_within_its_capacity_and_forgets_the_oldest() -> None:
    limiter = Gcra(rate=1.0, burst=1, capacity=2)
    for key in ("a", "b", "c"):
        limiter.check(key, now=0.0)
    assert len(limiter) == 2
    assert limiter.check("c", now=0.0) > 0.0
    assert limiter.check("a", now=0.0) == 0.0


@pytest.mark.parametrize("arguments", [{"rate": 0.0, "burst": 1}, {"rate": 1.0, "burst": 0}])
def test_limit_that_lets_nothing_through_is_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="positive"):
        Gcra(**arguments)  # type: ignore[arg-type]


@settings(max_examples=200)
@given(
    gaps=st.lists(st.floats(0.0, 3.0), max_size=60),
    rate=st.floats(0.1, 20.0),
    burst=st.integers(1, 10),
)
def test_no_window_ever_passes_more_than_burst_and_rate(gaps: list[float], rate: float, burst: int) -> None:
    limiter, now, passed = Gcra(rate=rate, burst=burst), 0.0, []
    for gap in gaps:
        now += gap
        if limiter.check("a", now=now) == 0.0:
            passed.append(now)
    for first, begin in enumerate(passed):
        for last in range(first, len(passed)):
            allowed = burst + (passed[last] - begin) * rate
            assert last - first + 1 <= allowed + 1e-6


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("nonsense", "unknown"),
    ],
)
def test_network_that_shares_an_allowance(address: str, key: str) -> None:
    assert network_key(address) == key


@settings(max_examples=200)
@given(st.text())
def test_any_text_has_some_network(text: str) -> None:
    assert network_key(text)

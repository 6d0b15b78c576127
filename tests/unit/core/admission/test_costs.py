"""Costs: the shipped ones first, then what is measured, and never what an idle or broken interval says."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.admission.costs import Costs, CostSample
from stentor.core.admission.laws import Laws

LAWS = Laws()


def interval(
    listeners: int = 3000, ptime: int = 20, packet: float = 6e-6, receive: float = 10e-6, short: float = 1.0
) -> CostSample:
    """A second on a shard with these true costs; `short`: packets for each nominal one."""
    packets = round(listeners * 1000 / ptime * short)
    return CostSample(1.0, packet * packets + receive * listeners, packets, listeners, ptime)


def test_shipped_costs_are_in_force_at_once() -> None:
    costs = Costs(LAWS)
    assert (costs.per_packet, costs.per_receiver, costs.per_join) == pytest.approx((6e-6, 10e-6, 3e-3))
    assert costs.pps(60) == pytest.approx(16.67, abs=0.01)
    assert costs.cost_per_listener(60) == pytest.approx(110e-6)


def test_measured_cost_of_a_listener_is_reached_within_a_minute() -> None:
    costs = Costs(LAWS)
    for _ in range(60):
        costs.update(interval(packet=9e-6, receive=20e-6))
    assert costs.cost_per_listener(20) == pytest.approx(9e-6 * 50 + 20e-6, rel=0.02)


def test_both_costs_are_told_apart_when_the_packet_length_moves() -> None:
    costs = Costs(LAWS)
    for _ in range(300):
        for ptime in (20, 120):
            costs.update(interval(ptime=ptime, packet=4e-6, receive=30e-6))
    for ptime in (20, 40, 60, 120):
        assert costs.cost_per_listener(ptime) == pytest.approx(4e-6 * 1000 / ptime + 30e-6, rel=0.1)


@pytest.mark.parametrize(
    "sample",
    [
        CostSample(1.0, 0.0, 0, 0, 20),
        CostSample(1.0, 0.04, 10, 5, 20),
        CostSample(0.0, 1.0, 1000, 10, 20),
        CostSample(1.0, 0.9, 0, 0, 20, join_cpu=0.1, attempts=0),
    ],
    ids=["nothing happened", "idle process", "no time", "load that is not ours"],
)
def test_idle_interval_changes_nothing(sample: CostSample) -> None:
    costs = Costs(LAWS)
    costs.update(sample)
    assert costs.cost_per_listener(60) == Costs(LAWS).cost_per_listener(60)
    assert costs.per_join == Costs(LAWS).per_join


def test_one_absurd_interval_moves_a_cost_by_less_than_a_tenth() -> None:
    costs = Costs(LAWS)
    packets = 150_000
    costs.update(CostSample(1.0, 100.0, packets, 3000, 20, join_cpu=50.0, attempts=1))
    assert costs.cost_per_listener(20) < 1.1 * Costs(LAWS).cost_per_listener(20)
    assert costs.per_join < 1.1 * Costs(LAWS).per_join


def test_short_packets_are_counted_at_the_level_where_they_were_sent() -> None:
    costs = Costs(LAWS)
    for _ in range(60):
        costs.update(interval(ptime=60, short=1.5))
    assert costs.pps(60) == pytest.approx(25.0, rel=0.02)
    assert costs.pps(120) == pytest.approx(1000 / 120)


def test_silence_of_the_host_makes_no_room() -> None:
    costs = Costs(LAWS)
    for _ in range(600):
        costs.update(interval(ptime=60, short=0.05))
    assert costs.pps(60) == pytest.approx(1000 / 60)


def test_cost_of_a_join_counts_attempts_that_failed_too() -> None:
    costs = Costs(LAWS)
    for _ in range(30):
        costs.update(CostSample(1.0, 0.0, 0, 0, 20, join_cpu=0.4, attempts=100))
    assert costs.per_join == pytest.approx(4e-3, rel=0.02)


@given(
    st.lists(
        st.builds(
            CostSample,
            seconds=st.floats(0, 10),
            media_cpu=st.floats(0, 100),
            packets=st.integers(0, 10**7),
            listeners=st.floats(0, 10**5),
            ptime=st.sampled_from([20, 40, 60, 120]),
            join_cpu=st.floats(0, 100),
            attempts=st.integers(0, 10**5),
        ),
        max_size=60,
    )
)
@settings(max_examples=200)
def test_whatever_is_measured_costs_stay_finite_and_within_their_range(samples: list[CostSample]) -> None:
    costs, shipped = Costs(LAWS), Costs(LAWS)
    for sample in samples:
        costs.update(sample)
    for now, prior in (
        (costs.per_packet, shipped.per_packet),
        (costs.per_receiver, shipped.per_receiver),
        (costs.per_join, shipped.per_join),
    ):
        assert math.isfinite(now)
        assert prior / 8.0001 <= now <= prior * 8.0001
    for ptime in (20, 40, 60, 120):
        assert 1000 / ptime * 0.999 <= costs.pps(ptime) <= 6.001 * 1000 / ptime

"""Seats: counted at 60 ms, down at once, up slowly, and never given away twice."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.admission.costs import Costs
from stentor.core.admission.laws import Laws
from stentor.core.admission.seats import SeatLimits, Seats, free_seats, offered, shares

LAWS = Laws()
PLENTY = SeatLimits(cores=1.0, max_seats=1_000_000)


def with_packet_cost(microseconds: float) -> Costs:
    return Costs(dataclasses.replace(LAWS, cost_packet=microseconds))


def test_seats_are_two_thirds_of_the_cores_at_60_ms_from_the_first_second() -> None:
    seats = Seats(LAWS, PLENTY, Costs(LAWS), now=0.0)
    assert (seats.total, seats.bound) == (5909, "cpu")  # 0.65 / 110 us
    two = Seats(LAWS, SeatLimits(2.0, 1_000_000), Costs(LAWS), now=0.0)
    assert two.total == 11818


def test_configured_number_is_a_bound() -> None:
    seats = Seats(LAWS, SeatLimits(1.0, 50), Costs(LAWS), now=0.0)
    assert (seats.total, seats.bound) == (50, "configured")


def test_memory_counts_who_is_seated_already() -> None:
    seats = Seats(LAWS, PLENTY, Costs(LAWS), now=0.0)
    # 80 % of 10 MiB holds 819 more seats of 10 KiB.
    assert seats.update(1.0, Costs(LAWS), listeners=1000, memory_free=10 * 1024 * 1024) == 1819
    assert seats.bound == "memory"


def test_network_rate_is_a_bound_when_it_is_configured() -> None:
    laws = dataclasses.replace(LAWS, seat_network=100.0)
    seats = Seats(laws, PLENTY, Costs(laws), now=0.0)
    # 64 kbit/s of audio and 16.67 packets/s with 94 bytes around each: 76.5 kbit/s, into 80 Mbit/s.
    assert (seats.total, seats.bound) == (1045, "network")


def test_seats_fall_at_once_and_rise_five_per_cent_a_minute() -> None:
    seats = Seats(LAWS, PLENTY, Costs(LAWS), now=0.0)
    before = seats.total
    low = seats.update(1.0, with_packet_cost(12.0))
    assert low < 0.6 * before
    assert seats.update(2.0, Costs(LAWS)) <= low * 1.001
    for second in range(3, 62):
        seats.update(float(second), Costs(LAWS))
    assert seats.total == pytest.approx(low * 1.05, rel=0.003)


def test_seats_come_back_from_none() -> None:
    seats = Seats(LAWS, PLENTY, Costs(LAWS), now=0.0)
    assert seats.update(1.0, Costs(LAWS), memory_free=0) == 0
    assert seats.update(61.0, Costs(LAWS)) >= 1


def test_clock_that_stands_still_gives_no_seats() -> None:
    seats = Seats(LAWS, PLENTY, Costs(LAWS), now=10.0)
    low = seats.update(11.0, with_packet_cost(12.0))
    assert seats.update(5.0, Costs(LAWS)) == low


@pytest.mark.parametrize(
    ("seats", "shards", "expected"),
    [(1000, 1, 1000), (1000, 2, 500), (1000, 10, 900), (7, 3, 4), (1, 2, 0), (0, 5, 0), (5, 0, 5)],
)
def test_offered_seats_leave_room_for_the_listeners_of_one_dying_shard(
    seats: int, shards: int, expected: int
) -> None:
    assert offered(seats, shards) == expected


@given(st.integers(0, 20_000), st.integers(2, 50))
def test_house_that_is_full_as_offered_survives_the_loss_of_a_shard(seats: int, shards: int) -> None:
    full = offered(seats, shards) * shards
    assert full <= seats * (shards - 1)


def test_free_seats_are_never_negative() -> None:
    assert free_seats(1000, 10, 400) == 500
    assert free_seats(1000, 10, 1000) == 0


@given(
    st.integers(-5, 100_000),
    st.sets(st.binary(min_size=8, max_size=8), min_size=1, max_size=30),
    st.integers(0, 1000),
)
@settings(max_examples=300)
def test_seats_given_to_gateways_are_never_more_nor_fewer_than_there_are(
    free: int, gateways: set[bytes], turn: int
) -> None:
    given = shares(free, gateways, turn=turn)
    assert given.keys() == gateways
    assert sum(given.values()) == max(0, free)
    assert max(given.values()) - min(given.values()) <= 1
    assert min(given.values()) >= 0


def test_last_seat_goes_round() -> None:
    holders = [
        max(given, key=lambda name: given[name])
        for turn in range(6)
        if (given := shares(1, [b"a", b"b", b"c"], turn=turn))
    ]
    assert holders == [b"a", b"b", b"c"] * 2


def test_without_gateways_nothing_is_given() -> None:
    assert shares(10, []) == {}

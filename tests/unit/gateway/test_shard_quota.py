"""Seats and join credits of one shard, as one gateway may spend them."""

from __future__ import annotations

from typing import Any

import pytest

from stentor.core.links import Heartbeat, ShardRecord
from stentor.gateway.shard_table import ShardTable

TICKET = bytes(8)


def table_with(**fields: Any) -> ShardTable:
    table = ShardTable()
    table.on_record(ShardRecord(1, "relay", 0, bytes(32), "AB", ()))
    table.on_heartbeat(beat(**fields), 100.0)
    return table


def beat(**fields: Any) -> Heartbeat:
    given = {"state": "ready", "seats_free": 1000, "listeners": 0, "seats_total": 2000} | fields
    return Heartbeat(shard=1, relay_time=5.0, **given)


def picks(table: ShardTable, now: float, *, returning: bool = False, most: int = 10_000) -> int:
    """How many are sent at this moment until nobody is."""
    for count in range(most):
        if table.pick("relay", TICKET, now, returning=returning) is None:
            return count
    return most


def test_shard_without_credits_in_its_heartbeat_sets_no_limit() -> None:
    assert picks(table_with(credits=None), 100.0) == 1000


def test_newcomers_spend_a_heartbeats_worth_of_credits_less_what_is_kept_for_who_returns() -> None:
    table = table_with(credits=10.0)
    assert picks(table, 100.0) == 8
    assert picks(table, 100.0, returning=True) == 2
    assert picks(table, 100.0, returning=True) == 0


def test_credits_come_in_at_their_rate_also_without_heartbeats() -> None:
    table = table_with(credits=10.0)
    picks(table, 100.0)
    assert picks(table, 100.45) == 4
    assert picks(table, 100.5) == 1


def test_over_a_while_newcomers_get_the_whole_rate() -> None:
    table = table_with(credits=50.0)
    sent = 0
    for step in range(1000):  # ten seconds
        now = 100.0 + step / 100
        if step % 100 == 0:
            table.on_heartbeat(beat(credits=50.0), now)
        sent += picks(table, now)
    assert sent == pytest.approx(500 + 40, abs=2)


def test_heartbeat_does_not_fill_the_bucket() -> None:
    table = table_with(credits=10.0)
    picks(table, 100.0, returning=True)
    table.on_heartbeat(beat(credits=10.0), 100.1)
    assert picks(table, 100.1, returning=True) == 1


def test_rate_that_falls_takes_credits_back() -> None:
    table = table_with(credits=100.0)
    table.on_heartbeat(beat(credits=5.0), 101.0)
    assert picks(table, 101.0, returning=True) == 5


def test_shard_without_any_credit_takes_nobody_but_has_room() -> None:
    table = table_with(credits=0.0)
    assert picks(table, 102.9, returning=True) == 0
    assert table.has_room("relay", 102.9)


def test_low_rate_serves_newcomers_one_at_a_time() -> None:
    table = table_with(credits=0.5)
    assert picks(table, 100.0) == 1
    assert picks(table, 101.9) == 0
    assert picks(table, 102.1) == 1


def test_seats_kept_for_a_dying_shard_go_to_who_returns_alone() -> None:
    table = table_with(seats_free=3, listeners=90, seats_total=100)
    assert picks(table, 100.0) == 3
    assert not table.has_room("relay", 100.0) and table.has_room("relay", 100.0, returning=True)
    assert picks(table, 100.0, returning=True) == 7
    assert picks(table, 100.0, returning=True) == 0


def test_braking_shard_takes_only_who_returns() -> None:
    table = table_with(state="braking", credits=10.0)
    assert picks(table, 100.0) == 0 and not table.has_room("relay", 100.0)
    assert picks(table, 100.0, returning=True) == 10


def test_draining_shard_takes_nobody_back_either() -> None:
    assert picks(table_with(state="draining"), 100.0, returning=True) == 0


def test_a_credit_spent_elsewhere_leaves_the_other_shard_alone() -> None:
    table = table_with(credits=2.0)
    table.on_record(ShardRecord(2, "relay", 0, b"2" * 32, "AB", ()))
    table.on_heartbeat(Heartbeat(2, 5.0, "ready", 1000, 0, 2000, credits=2.0), 100.0)
    assert picks(table, 100.0, returning=True) == 4


def test_heartbeat_that_was_overtaken_changes_nothing() -> None:
    table = table_with(seats_free=3, credits=None)
    table.on_heartbeat(Heartbeat(1, 4.0, "ready", 1000, 0), 100.5)
    assert table.relay_time(1, 100.5) == 5.5
    assert picks(table, 100.5) == 3

from __future__ import annotations

from stentor.core.links import Heartbeat, ShardRecord
from stentor.gateway.shard_table import ShardTable
from stentor.gateway.shard_totals import ShardTotals

NODE = b"node...!"


def table() -> ShardTable:
    table = ShardTable()
    for number in (3, 1, 2):
        table.on_record(ShardRecord(number, "relay", 0, bytes(32), "AB", (), NODE, ("192.0.2.1", 1)))
    table.on_record(ShardRecord(9, "ingest", 0, bytes(32), "AB", ()))
    table.on_heartbeat(Heartbeat(1, 5.0, "ready", 10, 40, 60, 5.0, 20), 100.0)
    table.on_heartbeat(Heartbeat(2, 5.0, "braking", 10, 50, 60, 2.5, 120), 100.0)
    table.on_heartbeat(Heartbeat(9, 5.0, "ready", 500, 1, 512), 100.0)
    return table


def test_sums_are_over_the_relays_that_are_heard() -> None:
    totals = table().totals(101.0)
    assert (totals.relays, totals.listeners, totals.seats_total) == (2, 90, 120)
    assert (totals.seats_free, totals.credits) == (10, 7.5), "a braking shard offers nothing"


def test_one_relays_share_is_kept_and_not_offered() -> None:
    assert table().totals(101.0).seats_offered == 60
    alone = table()
    alone.on_removed(2)
    assert alone.totals(101.0).seats_offered == alone.totals(101.0).seats_total == 60


def test_every_shard_has_a_row_in_the_order_of_its_number() -> None:
    rows = table().totals(101.0).shards
    assert [(row.shard, row.duty, row.state) for row in rows] == [
        (1, "relay", "ready"),
        (2, "relay", "braking"),
        (3, "relay", "gone"),
        (9, "ingest", "ready"),
    ]
    assert (rows[0].node, rows[0].ptime, rows[0].heard_ago, rows[0].credits) == (NODE.hex(), 20, 1.0, 5.0)
    assert rows[2].heard_ago is None


def test_seats_spent_since_the_heartbeat_are_no_longer_free() -> None:
    spent = table()
    spent.pick("relay", bytes(8), 100.0)
    assert spent.totals(100.0).seats_free == 9


def test_shard_falls_silent_and_then_is_gone() -> None:
    def state(now: float) -> str:
        return table().totals(now).shards[0].state

    assert [state(102.9), state(103.0), state(114.9), state(115.0)] == ["ready", "silent", "silent", "gone"]
    assert table().totals(103.0).relays == 0


def test_relay_without_a_limit_makes_the_sum_unlimited() -> None:
    free = table()
    free.on_heartbeat(Heartbeat(3, 5.0, "ready", 10, 0), 101.0)
    assert free.totals(101.0).credits is None
    assert ShardTable().totals(0.0) == ShardTotals(0, 0, 0, 0, 0, 0, ())

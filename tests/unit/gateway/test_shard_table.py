from __future__ import annotations

from collections.abc import Sequence

import pytest

from stentor.core.links import Heartbeat, ShardRecord
from stentor.core.topology.placement import Candidate
from stentor.gateway.shard_table import ShardTable

RELAY = ShardRecord(1, "relay", 0, b"a" * 32, "AB", (("192.0.2.1", 1),))
INGEST = ShardRecord(2, "ingest", 0, b"b" * 32, "AB", (("192.0.2.1", 1),))
TICKET = bytes(8)


def beat(shard: int = 1, *, relay_time: float = 500.0, state: str = "ready", free: int = 5) -> Heartbeat:
    return Heartbeat(shard, relay_time, state, free, 0)  # type: ignore[arg-type]


@pytest.fixture
def table() -> ShardTable:
    table = ShardTable()
    table.on_record(RELAY)
    table.on_record(INGEST)
    table.on_heartbeat(beat(), 100.0)
    return table


def test_shard_is_picked_by_its_duty(table: ShardTable) -> None:
    assert table.pick("relay", TICKET, 100.0) is RELAY
    assert table.pick("ingest", TICKET, 100.0) is None
    table.on_heartbeat(beat(2), 100.0)
    assert table.pick("ingest", TICKET, 100.0) is INGEST


def test_silent_shard_is_stale_after_three_seconds(table: ShardTable) -> None:
    assert table.pick("relay", TICKET, 102.9) is RELAY
    assert table.pick("relay", TICKET, 103.0) is None
    assert not table.is_served("relay", 103.0)


def test_draining_shard_gets_nobody_but_is_served(table: ShardTable) -> None:
    table.on_heartbeat(beat(state="draining"), 100.0)
    assert table.pick("relay", TICKET, 100.0) is None
    assert table.is_served("relay", 100.0)


def test_seats_given_since_the_heartbeat_are_not_given_again(table: ShardTable) -> None:
    assert [table.pick("relay", TICKET, 100.0) for _ in range(6)] == [RELAY] * 5 + [None]
    assert not table.has_room("relay", 100.0)
    table.on_heartbeat(beat(free=1), 101.0)
    assert table.has_room("relay", 101.0)


def test_relay_time_goes_on_between_heartbeats_until_the_shard_is_gone(table: ShardTable) -> None:
    assert table.relay_time(1, 100.0) == 500.0
    assert table.relay_time(1, 107.5) == 507.5
    assert table.record(1, 114.9) is RELAY
    assert table.relay_time(1, 115.0) is None and table.record(1, 115.0) is None


def test_shard_never_heard_or_unknown_has_no_time(table: ShardTable) -> None:
    assert table.relay_time(2, 100.0) is None
    assert table.relay_time(99, 100.0) is None


def test_heartbeat_of_an_unknown_shard_is_ignored(table: ShardTable) -> None:
    table.on_heartbeat(beat(99), 100.0)
    assert table.relay_time(99, 100.0) is None


def test_shard_that_started_again_must_be_heard_again(table: ShardTable) -> None:
    table.on_record(ShardRecord(1, "relay", 1, b"new" + bytes(29), "AB", ()))
    assert table.pick("relay", TICKET, 100.0) is None


def test_record_published_again_keeps_its_heartbeat(table: ShardTable) -> None:
    moved = ShardRecord(1, "relay", 0, RELAY.secret, "AB", (("192.0.2.9", 1),))
    table.on_record(moved)
    assert table.pick("relay", TICKET, 100.0) is moved


def test_removed_shard_is_forgotten(table: ShardTable) -> None:
    table.on_removed(1)
    table.on_removed(1)
    assert table.pick("relay", TICKET, 100.0) is None


def test_placement_is_a_seam() -> None:
    class Highest:
        def choose(
            self, candidates: Sequence[Candidate], ticket_id: bytes, *, returning: bool = False
        ) -> int | None:
            return max((candidate.shard for candidate in candidates), default=None)

    table = ShardTable(Highest())
    for number in (1, 5, 3):
        table.on_record(ShardRecord(number, "relay", 0, bytes(32), "AB", ()))
        table.on_heartbeat(beat(number), 0.0)
    picked = table.pick("relay", TICKET, 0.0)
    assert picked is not None and picked.shard == 5


def test_nobody_is_sent_to_a_shard_whose_heartbeat_is_late_while_others_are_heard() -> None:
    table = ShardTable()
    for number in (1, 2):
        table.on_record(ShardRecord(number, "relay", 0, b"a" * 32, "AB", ()))
        table.on_heartbeat(beat(number, free=50), now=0.0)
    table.on_heartbeat(beat(2, free=50), now=1.5)
    picked = {table.pick("relay", bytes([i]) * 8, now=1.6) for i in range(20)}
    assert {found.shard for found in picked if found is not None} == {2}


def test_a_late_heartbeat_is_no_reason_to_refuse_when_all_are_late() -> None:
    table = ShardTable()
    table.on_record(RELAY)
    table.on_heartbeat(beat(1), now=0.0)
    assert table.pick("relay", bytes(8), now=2.0) is not None


def test_one_ticket_reaches_two_shards_and_no_third_when_those_are_full() -> None:
    table = ShardTable()
    for number in range(1, 6):
        table.on_record(ShardRecord(number, "relay", 0, b"a" * 32, "AB", ()))
        table.on_heartbeat(beat(number, free=3), now=0.0)
    picked = [table.pick("relay", TICKET, now=0.0) for _ in range(20)]
    assert len({found.shard for found in picked if found is not None}) == 2
    assert sum(found is not None for found in picked) == 6
    assert table.pick("relay", bytes([9]) * 8, now=0.0) is not None  # others are named by another ticket

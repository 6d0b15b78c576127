"""Two gateways fill four shards from their quotas alone, in virtual time: evenly, and never one too many."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from stentor.core.admission.seats import shares
from stentor.core.links import Heartbeat, ShardRecord
from stentor.gateway.shard_table import ShardTable

SHARDS, GATEWAYS = 4, 2
SEATS = 1000  # of each shard; a quarter is kept for a shard's death
RATE = 300  # joins a second
ARRIVAL = 0.05  # seconds between a gateway's answer and the seat being taken


@dataclass
class Shard:
    """A shard that knows its seats and refuses what goes over them."""

    number: int
    beat_at: float
    taken: int = 0
    turn: int = 0

    def beats(self, now: float) -> list[Heartbeat]:
        """One heartbeat for each gateway."""
        self.turn += 1
        offered = SEATS - SEATS // SHARDS
        parts = shares(
            offered - self.taken, {bytes([number]): 0.0 for number in range(GATEWAYS)}, turn=self.turn
        )
        return [
            Heartbeat(self.number, now, "ready", parts[bytes([number])], self.taken, SEATS, 100.0 / GATEWAYS)
            for number in range(GATEWAYS)
        ]


def fill(seconds: float, seed: int) -> tuple[list[Shard], int]:
    """(the shards, how many found no room) after so many seconds of arrivals."""
    chance = random.Random(seed)
    shards = [Shard(number, chance.random()) for number in range(1, SHARDS + 1)]
    tables = [ShardTable() for _ in range(GATEWAYS)]
    for table in tables:
        for shard in shards:
            table.on_record(ShardRecord(shard.number, "relay", 0, bytes([shard.number]) * 32, "AB", ()))
    on_the_way: list[tuple[float, int]] = []
    refused = 0
    for step in range(int(seconds * RATE)):
        now = 1.0 + step / RATE
        while on_the_way and on_the_way[0][0] <= now:
            shards[on_the_way.pop(0)[1] - 1].taken += 1
        for shard in shards:
            if now >= shard.beat_at:
                shard.beat_at = now + 1.0
                for table, beat in zip(tables, shard.beats(now), strict=True):
                    table.on_heartbeat(beat, now)
        picked = chance.choice(tables).pick("relay", chance.randbytes(8), now)
        if picked is None:
            refused += 1
        else:
            on_the_way.append((now + ARRIVAL, picked.shard))
    for _, number in on_the_way:
        shards[number - 1].taken += 1
    return shards, refused


@pytest.mark.parametrize("seed", range(5))
def test_shards_fill_evenly_through_two_gateways(seed: int) -> None:
    shards, refused = fill(6.0, seed)
    taken = [shard.taken for shard in shards]
    mean = sum(taken) / SHARDS
    assert max(taken) <= 1.1 * mean, taken
    assert refused == 0


@pytest.mark.parametrize("seed", range(5))
def test_no_seat_is_sold_twice_nor_one_that_is_kept(seed: int) -> None:
    shards, refused = fill(15.0, seed)
    offered = SEATS - SEATS // SHARDS
    taken = [shard.taken for shard in shards]
    # Who is on the way when a heartbeat is sent is not in it: that many may come on top, into the kept seats.
    assert max(taken) <= offered + RATE * ARRIVAL, taken
    assert sum(taken) >= 0.99 * SHARDS * offered and refused > 0

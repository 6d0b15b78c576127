"""The shards in numbers, for the status of the cluster."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from stentor.core.links import Duty, ShardState
from stentor.gateway.shard_quota import GONE_AFTER, ShardQuota


@dataclass(frozen=True, slots=True)
class ShardRow:
    """One shard as this gateway sees it."""

    shard: int
    """Its number."""
    duty: Duty
    """What it does."""
    node: str
    """Id of its process in hex."""
    state: ShardState | Literal["silent", "gone"]
    """As it said, while it is heard; `silent` after 3 s, `gone` after 15 s or when it was never heard."""
    listeners: int
    """Connected."""
    seats_total: int
    """Taken and free; 0 when it did not say."""
    seats_free: int
    """What this gateway may still give away."""
    credits: float | None
    """Joins a second this gateway may send; None: no limit."""
    ptime: int
    """Milliseconds in a packet."""
    heard_ago: float | None
    """Seconds since its last heartbeat."""


@dataclass(frozen=True, slots=True)
class ShardTotals:
    """Sums over the relays that are heard."""

    listeners: int
    """Connected."""
    seats_total: int
    """Taken and free, with those kept for a relay's death."""
    seats_offered: int
    """Taken and free without those: what is left when the largest share of one relay in n is kept."""
    seats_free: int
    """What this gateway may still give away."""
    credits: float | None
    """Joins a second this gateway may send; None when a relay sets no limit."""
    relays: int
    """How many are heard."""
    shards: tuple[ShardRow, ...]
    """Every shard, by number; also ingest ports and those that are silent."""


def add_up(quotas: Iterable[ShardQuota], now: float) -> ShardTotals:
    """The totals at `now`."""
    rows = sorted((_row(quota, now) for quota in quotas), key=lambda row: row.shard)
    heard = [row for row in rows if row.duty == "relay" and row.state not in ("silent", "gone")]
    total = sum(row.seats_total for row in heard)
    limits = [row.credits for row in heard]
    return ShardTotals(
        listeners=sum(row.listeners for row in heard),
        seats_total=total,
        seats_offered=total - total // len(heard) if len(heard) > 1 else total,  # S * (1 - 1/n) of n
        seats_free=sum(row.seats_free for row in heard),
        credits=None if None in limits else sum(limit for limit in limits if limit is not None),
        relays=len(heard),
        shards=tuple(rows),
    )


def _row(quota: ShardQuota, now: float) -> ShardRow:
    record, beat = quota.record, quota.heartbeat
    if beat is None:
        return ShardRow(record.shard, record.duty, record.node.hex(), "gone", 0, 0, 0, None, 20, None)
    silent: Literal["silent", "gone"] = "gone" if now - quota.heard_at >= GONE_AFTER else "silent"
    return ShardRow(
        shard=record.shard,
        duty=record.duty,
        node=record.node.hex(),
        state=beat.state if quota.is_heard(now) else silent,
        listeners=beat.listeners,
        seats_total=beat.seats_total,
        seats_free=quota.seats_left(now, returning=False),
        credits=beat.credits,
        ptime=beat.ptime,
        heard_ago=now - quota.heard_at,
    )

"""What the relays offer this gateway, from what it has heard of them."""

from __future__ import annotations

from stentor.gateway.line_notes import Room
from stentor.gateway.shard_totals import ShardTotals

NO_LIMIT = 10_000.0  # joins per second: what stands for "no limit" where a number is needed
FULL_FROM = 0.95  # of the offered seats: a shard that only brakes for a second is not a full house


def room_of(totals: ShardTotals, gateways: int) -> Room:
    """This gateway's part of what all relays offer; `gateways`: how many share it, this one included."""
    return Room(
        free=totals.seats_free,
        offered=totals.seats_offered // gateways,
        credit_rate=NO_LIMIT if totals.credits is None else totals.credits,
    )


def is_full(totals: ShardTotals) -> bool:
    """Whether nobody gets in before somebody leaves."""
    return totals.seats_free <= 0 and totals.listeners >= FULL_FROM * totals.seats_offered

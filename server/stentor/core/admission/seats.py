"""How many listeners a shard takes, how many of them it offers, and which gateway may give away how many."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from stentor.core.admission.costs import Costs
from stentor.core.admission.laws import Laws

COUNTED_AT = 60  # ms: whatever the present level; 120 ms stays in reserve
PACKET_OVERHEAD = 94  # bytes: RTP 12, GCM tag 16, UDP 8, IPv4 20, Ethernet with preamble and gap 38

Bound = Literal["cpu", "memory", "network", "configured"]


@dataclass(frozen=True, slots=True)
class SeatLimits:
    """What bounds the seats of a shard besides what it measures."""

    cores: float
    """K: cores that this process may use."""
    max_seats: int
    """`--max-seats`."""


class Seats:
    """S: a hard limit. It falls at once and rises slowly; nobody is evicted when it falls."""

    def __init__(self, laws: Laws, limits: SeatLimits, costs: Costs, *, now: float) -> None:
        """Starts at once from what `costs` says: the shipped priors."""
        self._laws = laws
        self._limits = limits
        self._updated_at = now
        allowed, self._bound = self._allowed(costs, listeners=0, memory_free=None)
        self._seats = float(allowed)

    @property
    def total(self) -> int:
        """S."""
        return int(self._seats)

    @property
    def bound(self) -> Bound:
        """What bounds it (or where it is rising to) now."""
        return self._bound

    def update(self, now: float, costs: Costs, *, listeners: int = 0, memory_free: int | None = None) -> int:
        """S from now on; call it about once a second.

        `memory_free`: bytes that the machine (or cgroup) would still give, with `listeners` already seated.
        """
        allowed, self._bound = self._allowed(costs, listeners=listeners, memory_free=memory_free)
        minutes = max(0.0, now - self._updated_at) / 60.0
        self._updated_at = now
        # From one seat at least: five per cent of nothing would be nothing for ever.
        risen = max(self._seats, 1.0) * (1.0 + self._laws.seat_rise * minutes)
        self._seats = min(float(allowed), risen)
        return self.total

    def _allowed(self, costs: Costs, *, listeners: int, memory_free: int | None) -> tuple[int, Bound]:
        laws = self._laws
        bounds: list[tuple[float, Bound]] = [
            (laws.seat_cpu * self._limits.cores / costs.cost_per_listener(COUNTED_AT), "cpu"),
            (self._limits.max_seats, "configured"),
        ]
        if memory_free is not None:
            room = laws.seat_memory * max(0, memory_free) / (laws.cost_memory * 1024)
            bounds.append((listeners + room, "memory"))
        if laws.seat_network > 0:
            seat = laws.cost_stream * 1e3 + costs.pps(COUNTED_AT) * PACKET_OVERHEAD * 8  # bit/s
            bounds.append((laws.seat_network_share * laws.seat_network * 1e6 / seat, "network"))
        allowed, bound = min(bounds, key=lambda pair: pair[0])
        return math.floor(allowed), bound


def offered(seats: int, shards: int) -> int:
    """What one of `shards` shards offers of its seats: the listeners of a dying one need a place."""
    return seats if shards <= 1 else seats * (shards - 1) // shards


def free_seats(seats: int, shards: int, taken: int) -> int:
    """Offered and not taken; `taken` counts listeners and handshakes under way."""
    return max(0, offered(seats, shards) - taken)


def shares(free: int, gateways: Iterable[bytes], *, turn: int = 0) -> dict[bytes, int]:
    """Whole seats for each gateway; their sum is `free` (nothing without gateways).

    `turn`: a counter that moves the seats that do not divide from one gateway to the next.
    """
    order = sorted(gateways)
    if not order:
        return {}
    each, more = divmod(max(0, free), len(order))
    lucky = {order[(turn + number) % len(order)] for number in range(more)}
    return {gateway: each + (gateway in lucky) for gateway in order}

"""How many handshakes may be under way: what first contacts cost is bounded before any state is made."""

from __future__ import annotations

import ipaddress
from collections import Counter, OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HalfOpenLimits:
    """Bounds on sessions that have not finished their handshake."""

    total: int = 4096
    """Sessions; the oldest goes first when one more comes."""
    per_prefix: int = 1024
    """Sessions per /24 or /48: a school or a carrier's address translation, not a botnet of one."""
    rate: float = 1000.0
    """First contacts a second, sustained."""
    burst: float = 2000.0
    """First contacts at once."""


def prefix_of(host: str) -> str:
    """The /24 (IPv4) or /48 (IPv6) an address belongs to."""
    address = ipaddress.ip_address(host.partition("%")[0])
    length = 24 if address.version == 4 else 48
    return str(ipaddress.ip_network((address, length), strict=False))


class HalfOpenGate:
    """Admits first contacts; `released` must be called once for every session admitted."""

    def __init__(self, limits: HalfOpenLimits, *, now: float) -> None:
        self._limits = limits
        self._tokens = limits.burst
        self._refilled_at = now
        self._open: OrderedDict[bytes, str] = OrderedDict()
        self._per_prefix: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._open)

    def has_room(self, host: str, *, now: float) -> bool:
        """Whether `admit` would say yes: ask it before something is spent that a refusal would waste."""
        self._refill(now)
        return self._has_room(prefix_of(host))

    def admit(self, session: bytes, host: str, *, now: float) -> tuple[bool, bytes | None]:
        """Whether `session` may start, and the oldest half-open session that has to make room for it."""
        self._refill(now)
        prefix = prefix_of(host)
        if not self._has_room(prefix):
            return False, None
        self._tokens -= 1.0
        evicted = next(iter(self._open)) if len(self._open) >= self._limits.total else None
        self._open[session] = prefix
        self._per_prefix[prefix] += 1
        return True, evicted

    def released(self, session: bytes) -> None:
        """The session is connected or gone."""
        prefix = self._open.pop(session, None)
        if prefix is not None:
            self._per_prefix[prefix] -= 1
            if not self._per_prefix[prefix]:
                del self._per_prefix[prefix]

    def _refill(self, now: float) -> None:
        elapsed = max(0.0, now - self._refilled_at)
        self._tokens = min(self._limits.burst, self._tokens + elapsed * self._limits.rate)
        self._refilled_at = now

    def _has_room(self, prefix: str) -> bool:
        return self._tokens >= 1.0 and self._per_prefix[prefix] < self._limits.per_prefix

"""Which connections a gateway keeps: so many in all, so many per network, so many new ones a second."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from stentor.core.admission.gcra import Gcra

ConnectionRefusal = Literal["too-many-connections", "accepts"]
"""`too-many-connections`: the places are taken. `accepts`: too many came within this second."""

_ALL = "all"  # the one key of the limit on new connections


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What `ConnectionGuard` goes by."""

    total: int
    """Connections at the same time."""
    per_network: int | None
    """Of them from one network; None where a proxy in front is everybody's address."""
    accepts_per_second: float
    """New connections a second in the long run."""
    accept_burst: int
    """New connections at once: a whole audience opens the page in the same second."""


class ConnectionGuard:
    """Counts. Pure: `now` is monotonic seconds, `network` is what shares a limit (`gcra.network_key`)."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._held: Counter[str] = Counter()
        self._total = 0
        self._accepts = Gcra(rate=limits.accepts_per_second, burst=limits.accept_burst)

    @property
    def total(self) -> int:
        """Connections held now."""
        return self._total

    def enter(self, network: str, *, now: float) -> ConnectionRefusal | None:
        """None: the connection is taken and counted until `leave`. Otherwise why it is not."""
        limits = self._limits
        if self._total >= limits.total:
            return "too-many-connections"
        if limits.per_network is not None and self._held[network] >= limits.per_network:
            return "too-many-connections"
        if self._accepts.check(_ALL, now=now) > 0:
            return "accepts"
        self._total += 1
        self._held[network] += 1
        return None

    def leave(self, network: str) -> None:
        """A connection that `enter` took is gone."""
        self._total -= 1
        self._held[network] -= 1
        if self._held[network] <= 0:
            del self._held[network]

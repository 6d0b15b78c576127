"""Asking listeners to move: the last resort of an overloaded shard.

Nobody is told one by one. The event's status body carries a notice; a page knows its shard, its session id
and when it was seated, and finds out by itself whether it is meant. Never the stage, never silently.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from stentor.core.admission.ladder import LEVELS
from stentor.core.admission.lateness import overload_of
from stentor.core.admission.laws import Laws

_WHOLE = 2**32


@dataclass(frozen=True, slots=True)
class MoveNotice:
    """Who is asked to leave a shard: everybody seated after the second `since`, and a part of that second."""

    shard: int
    """Where they are seated."""
    since: int
    """Whole second of the shard's clock: who was seated in a later one is asked."""
    fraction: float
    """Of those seated in that very second, 0 to 1: a multiple of 2^-32, so exact in every language."""
    seed: bytes
    """8 bytes that decide who of them."""
    deadline: float
    """Second of the shard's clock by which they should be gone; they spread over the time until then."""


class Shedding:
    """The newest listeners, 1 % a second, only at the end of the ladder."""

    def __init__(self, laws: Laws, *, shard: int, seed: bytes) -> None:
        """`seed`: 8 random bytes of this shard's life."""
        self._laws = laws
        self._shard = shard
        self._seed = seed
        self._notice: MoveNotice | None = None
        self._late_since: float | None = None
        self._calm_since: float | None = None
        self._asked_at: float | None = None
        self._owed = 0.0  # people to ask, also parts of one

    def update(
        self,
        now: float,
        *,
        level: int,
        lateness: float,
        cpu: float,
        listeners: int,
        newest: Iterable[tuple[float, bytes]],
    ) -> MoveNotice | None:
        """The notice that is in force; call it once a second, with `LadderState.busy` for `cpu`.

        `newest`: (seated at, session) of each listener, the newest first; read only as far as needed. Who
        was asked stays asked until the notice ends.
        """
        laws = self._laws
        overload = overload_of(lateness, cpu, laws.credit_idle_cpu) if level == LEVELS[-1] else 0.0
        late, calm = overload > laws.shed_lateness, overload <= laws.credit_stop
        self._late_since = (now if self._late_since is None else self._late_since) if late else None
        self._calm_since = (now if self._calm_since is None else self._calm_since) if calm else None
        if self._calm_since is not None and now - self._calm_since >= laws.shed_after:
            self._notice = None
        if self._late_since is None or now - self._late_since < laws.shed_after:
            self._asked_at, self._owed = None, 0.0
            return self._notice
        elapsed = 1.0 if self._asked_at is None else max(0.0, now - self._asked_at)
        self._asked_at = now
        self._owed += laws.shed_rate * listeners * elapsed
        if self._owed >= 1.0:
            more = int(self._owed)
            self._owed -= more
            self._ask(more, newest, now)
        return self._notice

    def _ask(self, more: int, newest: Iterable[tuple[float, bytes]], now: float) -> None:
        """Lower the bound until `more` people who were not asked before are."""
        since: int | None = None
        fraction = 0.0
        for second, group in groupby(newest, key=lambda seat: math.floor(seat[0])):
            asked = self._asked_in(second)
            draws = sorted(draw for _, session in group if (draw := _draw(self._seed, session)) >= asked)
            since, fraction = second, 1.0
            if more < len(draws):
                fraction = draws[more]
                break
            more -= len(draws)
        if since is not None:
            deadline = now + self._laws.shed_time
            self._notice = MoveNotice(self._shard, since, fraction, self._seed, deadline)

    def _asked_in(self, second: int) -> float:
        """The fraction of those seated in that second who have been asked before."""
        if self._notice is None or second < self._notice.since:
            return 0.0
        return self._notice.fraction if second == self._notice.since else 1.0


def _draw(seed: bytes, session: bytes) -> float:
    # SHA-256, because it is what a browser has (crypto.subtle).
    return int.from_bytes(hashlib.sha256(seed + session).digest()[:4], "big") / _WHOLE

"""Whether a POST is answered with a seat at once: while there is room and nobody waits."""

from __future__ import annotations

import math

from stentor.core.admission.laws import Laws


class FastPath:
    """Open from the start: a small event never sees a ticket."""

    def __init__(self, laws: Laws) -> None:
        self._laws = laws
        self._waited_at = -math.inf  # when somebody was last seen waiting

    def update(self, now: float, *, waiting: int, free: int, offered: int) -> bool:
        """Whether it is open.

        `waiting`: anybody without a seat who wants one, called or not; `free` of the `offered` seats of all
        shards together.
        """
        if waiting > 0:
            self._waited_at = now
        quiet = now - self._waited_at >= self._laws.line_quiet
        return quiet and free > 0 and free >= self._laws.line_free * offered

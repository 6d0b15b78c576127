"""One timer per session, in a heap: arming and firing cost the same with ten sessions and ten thousand."""

from __future__ import annotations

import heapq
import math

GRAIN = 0.001  # seconds: what an event loop can keep


class SessionTimers:
    """`arm` whenever a session's next time may have changed; `pop_due` gives those whose time has come."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, bytes]] = []
        self._armed: dict[bytes, float] = {}

    @property
    def next_due(self) -> float | None:
        """When `pop_due` has something to give, or None."""
        return self._heap[0][0] if self._heap else None

    def arm(self, session: bytes, due: float, *, now: float) -> None:
        """Wake the session at `due` (infinity: never), or a grain from now if that is past."""
        if due == math.inf:
            return
        due = max(due, now + GRAIN)
        armed = self._armed.get(session)
        # A later time needs no entry of its own: the earlier one fires, finds nothing and arms anew.
        if armed is None or due < armed:
            self._armed[session] = due
            heapq.heappush(self._heap, (due, session))

    def disarm(self, session: bytes) -> None:
        """The session is gone."""
        self._armed.pop(session, None)

    def pop_due(self, *, now: float) -> bytes | None:
        """A session whose time has come, no longer armed; None when there is none."""
        while self._heap and self._heap[0][0] <= now:
            due, session = heapq.heappop(self._heap)
            if self._armed.get(session) == due:
                del self._armed[session]
                return session
        return None

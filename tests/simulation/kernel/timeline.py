"""Virtual time: a heap of what happens when. Nothing waits; equal times keep their order."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

Action = Callable[[float], None]


class Timeline:
    """Call `at` and `every` to plan, then `run`. An action is called with the time it was planned for."""

    def __init__(self, start: float = 0.0) -> None:
        """`start` in seconds; it is what `now` says before the first action."""
        self.now = start
        self._order = count()
        self._planned: list[tuple[float, int, Action]] = []

    def __len__(self) -> int:
        """How many actions are planned."""
        return len(self._planned)

    def at(self, when: float, action: Action) -> None:
        """Plan one action, in seconds; what is already past happens next."""
        heapq.heappush(self._planned, (max(when, self.now), next(self._order), action))

    def every(self, period: float, action: Action, *, first: float | None = None) -> None:
        """Plan an action each `period` seconds, from `first` (default: one period from now) on."""

        def again(now: float) -> None:
            self.at(now + period, again)
            action(now)

        self.at(self.now + period if first is None else first, again)

    def run(self, until: float) -> None:
        """Do everything up to and including `until`, which is the time afterwards."""
        planned = self._planned
        while planned and planned[0][0] <= until:
            when, _, action = heapq.heappop(planned)
            self.now = when
            action(when)
        self.now = until

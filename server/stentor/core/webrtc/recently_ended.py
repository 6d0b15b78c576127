"""What is over but whose capsules may still be about."""

from __future__ import annotations

from collections import OrderedDict

REMEMBER = 60.0  # seconds: longer than any capsule lives (5 s), and a second DELETE hears 404
CAPACITY = 65_536  # ids; the oldest are long expired by then


class RecentlyEnded:
    """Ids of ended sessions and keys of ended events, for a minute."""

    def __init__(self) -> None:
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def __contains__(self, name: bytes) -> bool:
        return name in self._until

    def add(self, name: bytes, *, now: float) -> None:
        """It has ended."""
        self._until[name] = now + REMEMBER
        if len(self._until) > CAPACITY:
            self._until.popitem(last=False)

    def expire(self, *, now: float) -> None:
        """Forget what ended long ago."""
        while self._until and next(iter(self._until.values())) <= now:
            self._until.popitem(last=False)

"""Who has a seat here, or had one minutes ago: whoever comes back is let in before somebody new."""

from __future__ import annotations

from collections import Counter, OrderedDict

CAPACITY = 65_536  # seats that were left; of a larger house the first to leave would count as new

Seat = tuple[bytes, bytes]  # event key and ticket id


class Regulars:
    """Seats that are taken, and when the others were left."""

    def __init__(self, seconds: float) -> None:
        """`seconds`: how long after leaving somebody counts as coming back."""
        self._seconds = seconds
        self._seated: Counter[Seat] = Counter()  # twice for a moment, while one session replaces another
        self._until: OrderedDict[Seat, float] = OrderedDict()

    def seated(self, seat: Seat) -> None:
        """Somebody sits there now."""
        self._seated[seat] += 1

    def left(self, seat: Seat, now: float) -> None:
        """A listener has gone from there."""
        self._seated[seat] -= 1
        if not self._seated[seat]:
            del self._seated[seat]
        self._until[seat] = now + self._seconds
        self._until.move_to_end(seat)
        while self._until and (len(self._until) > CAPACITY or next(iter(self._until.values())) <= now):
            self._until.popitem(last=False)

    def is_returning(self, seat: Seat, now: float) -> bool:
        """Whether whoever comes for this seat has it, or had it lately."""
        return seat in self._seated or self._until.get(seat, now) > now

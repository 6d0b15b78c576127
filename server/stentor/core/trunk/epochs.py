"""The highest stage epoch seen of each event: what fences a stage that does not know it was replaced."""

from __future__ import annotations

from collections import OrderedDict

CAPACITY = 4096  # events at once on one node


class Epochs:
    """Epochs count the stages an event has had; the first is 1, and 0 says that none was seen.

    Bounded: beyond `capacity` events the one that was asked for longest ago is forgotten.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        if capacity < 1:
            raise ValueError(f"capacity {capacity} must be positive")
        self._capacity = capacity
        self._highest: OrderedDict[bytes, int] = OrderedDict()

    def __len__(self) -> int:
        """How many events are remembered."""
        return len(self._highest)

    def highest(self, event: bytes) -> int:
        """The highest epoch seen, 0 before the first."""
        epoch = self._highest.get(event, 0)
        if epoch:
            self._highest.move_to_end(event)
        return epoch

    def see(self, event: bytes, epoch: int) -> bool:
        """An epoch was heard of. True when it is higher than any before: whatever has a lower one is over."""
        if epoch <= self.highest(event):
            return False
        self._highest[event] = epoch
        self._highest.move_to_end(event)
        if len(self._highest) > self._capacity:
            self._highest.popitem(last=False)
        return True

    def admits(self, event: bytes, epoch: int) -> bool:
        """The fencing check: whether a command, acknowledgement or stream of this epoch may still count.

        Changes nothing: whoever acts on a higher epoch calls `see`.
        """
        return epoch > 0 and epoch >= self.highest(event)

    def forget(self, event: bytes) -> None:
        """The event is over."""
        self._highest.pop(event, None)

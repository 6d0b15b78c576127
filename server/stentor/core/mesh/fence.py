"""Fencing: who was replaced cannot give orders any more, however late they arrive."""

from __future__ import annotations

from collections import OrderedDict

CAPACITY = 10_000  # scopes: as many as events are known to one process


class Fence:
    """The highest epoch seen per scope (an event's id, "leader"); the scope used longest ago makes room."""

    def __init__(self, *, capacity: int = CAPACITY) -> None:
        """`capacity` in scopes."""
        self._capacity = capacity
        self._highest: OrderedDict[str, int] = OrderedDict()

    def admit(self, scope: str, epoch: int) -> bool:
        """Whether an order with this epoch may be followed; a higher one is remembered.

        Epoch 0 means that the order has none, which is followed and remembers nothing.
        """
        if epoch == 0:
            return True
        if epoch < self.highest(scope):
            return False
        self._highest[scope] = epoch
        self._highest.move_to_end(scope)
        if len(self._highest) > self._capacity:
            self._highest.popitem(last=False)
        return True

    def highest(self, scope: str) -> int:
        """The highest epoch admitted, 0 when none was."""
        return self._highest.get(scope, 0)

"""The switch that stops taking newcomers. There is no way back but a restart."""

from __future__ import annotations

from collections.abc import Callable


class DrainSwitch:
    """Whoever is connected stays; whoever comes is asked to come again (to another gateway)."""

    def __init__(self, on_drain: Callable[[], None] | None = None) -> None:
        """`on_drain` is called once, when the switch is turned: the shards of this process drain with it."""
        self._on_drain = on_drain
        self._is_on = False

    @property
    def is_on(self) -> bool:
        """Whether this gateway is draining."""
        return self._is_on

    def turn_on(self) -> None:
        """Begin to drain. Again: nothing happens."""
        if self._is_on:
            return
        self._is_on = True
        if self._on_drain is not None:
            self._on_drain()

"""A circuit breaker: after a few failures in a row nobody waits for the store any more, for a while."""

from __future__ import annotations


class Breaker:
    """Counts failures in a row. Pure: `now` is any monotonic clock in seconds."""

    def __init__(self, *, failures: int = 5, open_for: float = 1.0) -> None:
        """Open after `failures` in a row; let one command try again every `open_for` seconds.

        5 commands of at most 50 ms each: open well within the 2 s that the design allows.
        """
        self._limit = failures
        self._open_for = open_for
        self._failed = 0
        self._retry_at = 0.0

    def allows(self, *, now: float) -> bool:
        """Whether a command may be tried. While open, one caller per `open_for` gets through as the probe."""
        if self._failed < self._limit:
            return True
        if now < self._retry_at:
            return False
        self._retry_at = now + self._open_for
        return True

    def succeeded(self) -> None:
        """The store answered."""
        self._failed = 0

    def failed(self, *, now: float) -> None:
        """The store did not answer in time."""
        self._failed += 1
        if self._failed >= self._limit:
            self._retry_at = now + self._open_for

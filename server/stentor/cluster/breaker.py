"""A circuit breaker: after a few failures in a row nobody waits for the store any more, for a while."""

from __future__ import annotations


class Breaker:
    """Counts failures in a row. Pure: `now` is any monotonic clock in seconds."""

    def __init__(self, *, failures: int = 5, failing_for: float = 0.5, open_for: float = 1.0) -> None:
        """Open after `failures` in a row, or when all have failed for `failing_for` seconds.

        While open, one command may try again every `open_for` seconds. 5 commands of at most 50 ms each, or
        the polls of a process that asks for nothing else: open well within the 2 s that the design allows.
        """
        self._limit = failures
        self._failing_for = failing_for
        self._open_for = open_for
        self._failed = 0
        self._failed_since = 0.0
        self._is_open = False
        self._retry_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether commands are held back."""
        return self._is_open

    def allows(self, *, now: float) -> bool:
        """Whether a command may be tried. While open, one caller per `open_for` gets through as the probe."""
        if not self._is_open:
            return True
        if now < self._retry_at:
            return False
        self._retry_at = now + self._open_for
        return True

    def succeeded(self) -> None:
        """The store answered."""
        self._failed = 0
        self._is_open = False

    def failed(self, *, now: float) -> None:
        """The store did not answer in time."""
        if self._failed == 0:
            self._failed_since = now
        self._failed += 1
        if self._failed >= self._limit or now - self._failed_since >= self._failing_for:
            self._is_open = True
            self._retry_at = now + self._open_for

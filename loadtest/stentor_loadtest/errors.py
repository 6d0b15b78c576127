"""What can go wrong, by whose fault it is."""

from __future__ import annotations


class LoadTestError(Exception):
    """Anything this program raises on purpose."""


class UsageError(LoadTestError):
    """The command line makes no sense: exit code 2."""


class WireError(LoadTestError):
    """The server sent something that cannot be read; the text says what."""


class JoinError(LoadTestError):
    """A listener did not get in. `reason` is a short, countable word such as `http 503` or `dtls timeout`."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason

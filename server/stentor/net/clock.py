"""The only place that reads a clock."""

from __future__ import annotations

import time


def monotonic() -> float:
    """Seconds that only move forward; what `now` means everywhere unless said otherwise."""
    return time.monotonic()


def wall() -> float:
    """Seconds since 1970, for people and for RTCP sender reports; may jump."""
    return time.time()

"""The only place that reads a clock."""

from __future__ import annotations

import time


def monotonic() -> float:
    """Seconds that only move forward; what `now` means everywhere unless said otherwise."""
    return time.monotonic()


def process_cpu() -> float:
    """CPU seconds that all threads of this process have used."""
    return time.process_time()


def thread_cpu() -> float:
    """CPU seconds that the calling thread has used."""
    return time.thread_time()


def wall() -> float:
    """Seconds since 1970, for people and for RTCP sender reports; may jump."""
    return time.time()

"""Ctrl-C and SIGTERM as an event, so that a client command can end its session properly."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def interrupted() -> Iterator[asyncio.Event]:
    """An event that is set by SIGINT or SIGTERM while the block runs."""
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, event.set)
    try:
        yield event
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)

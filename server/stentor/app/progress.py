"""One line that is rewritten while something runs, on a terminal only."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Iterator

EVERY = 1.0  # seconds


@contextlib.contextmanager
def progress_line(text: Callable[[], str]) -> Iterator[None]:
    """Show `text()` on stderr once a second while the block runs, and take it away at the end.

    Must be entered inside a running loop. Does nothing when stderr is not a terminal.
    """
    err = sys.stderr
    if not err.isatty():
        yield
        return

    async def show() -> None:
        while True:
            err.write(f"\r\x1b[K{text()}")
            err.flush()
            await asyncio.sleep(EVERY)

    task = asyncio.ensure_future(show())
    try:
        yield
    finally:
        task.cancel()
        err.write("\r\x1b[K")
        err.flush()

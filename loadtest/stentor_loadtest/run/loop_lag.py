"""How late our own loop runs: when it does, the generator is the limit and not the server."""

from __future__ import annotations

import asyncio
import time

from stentor_loadtest.histogram import Histogram

_EVERY = 0.05  # seconds


class LoopLag:
    """Sleeps in short steps and counts by how much each took longer."""

    def __init__(self) -> None:
        self.histogram = Histogram()

    async def watch(self) -> None:
        """Run until cancelled."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(_EVERY)
            self.histogram.add(time.monotonic() - before - _EVERY)

"""Tells the user twice a second where a run is."""

from __future__ import annotations

import asyncio

from stentor_loadtest.run.result import OnProgress, RunResult

_EVERY = 0.5  # seconds


async def show(result: RunResult, on_progress: OnProgress) -> None:
    """Run until cancelled."""
    while True:
        on_progress(result)
        await asyncio.sleep(_EVERY)

"""`stentor serve` from start to end."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections.abc import Awaitable

from stentor.app.announcement import ready_text
from stentor.app.first_event import first_event
from stentor.app.roles import running
from stentor.app.settings import Settings
from stentor.net import clock
from stentor.telemetry.logs import configure_logging

_log = logging.getLogger(__name__)


async def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT. Raises LocalError when it cannot start, naming what is in the way."""
    configure_logging(settings.log_format, settings.log_level)
    told_to_stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told_to_stop.set)
    async with running(settings) as server:
        first = None
        if settings.first_event is not None:
            now = clock.wall()
            first = await first_event(server.book, settings.state_dir, settings.first_event, now=now)
        text = ready_text(base_url=server.base_url, udp=server.udp, store=server.store, first=first)
        print(text, flush=True)
        _spare_the_collector()
        await told_to_stop.wait()
        told_to_stop.clear()
        await _either(server.empty(), told_to_stop.wait())
        _log.info("stopping: saying goodbye to everybody")


def _spare_the_collector() -> None:
    """What a server is made of never becomes garbage: looking through it again and again, 70,000 objects and
    30 ms each time, would be the longest that anybody who joins waits for."""
    gc.collect()
    gc.freeze()


async def _either(*steps: Awaitable[object]) -> None:
    """Until one is done: a second signal ends the patience of the first."""
    tasks = [asyncio.ensure_future(step) for step in steps]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

"""An event is live once a stage hears its publisher."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from stentor.cluster.event_book import EventBook
from stentor.net import clock

LOOKS = 300  # for an event's record that is missing: half a minute
LOOK_EVERY = 0.1  # seconds between two

_log = logging.getLogger(__name__)


def live_marker(book: EventBook) -> Callable[[bytes], None]:
    """What a stage calls with the event's key when it hears a publisher: the event is live from then on.

    The gateway that let the publisher in knows the event. Our book may learn of it a second later, and later
    still while the store is slow; the stage does not say again what goes on being heard.
    """
    loop = asyncio.get_running_loop()
    tasks: dict[bytes, asyncio.Task[None]] = {}  # the loop holds tasks weakly

    async def go_live(event: bytes, heard_at: float) -> None:
        for _ in range(LOOKS):
            event_id = book.id_of_key(event)
            if event_id is not None:
                await book.go_live(event_id, now=heard_at)
                return
            await asyncio.sleep(LOOK_EVERY)
        _log.warning("a publisher of event %s is heard, which the store does not know", event.hex())

    def on_heard(event: bytes) -> None:
        if event not in tasks:
            tasks[event] = loop.create_task(go_live(event, clock.wall()))
            tasks[event].add_done_callback(lambda _: tasks.pop(event))

    return on_heard

"""One wake-up for many chores: what is done every second is done in the same instant, all over a process.

A process that wakes up does so with cold caches, and that costs more than most chores. Two processes have
different rounds, so those of a machine do not all wake up at once.
"""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary

from stentor.net import clock

_EARLY = 0.05  # of a round: a timer that came so much too soon has not begun another one

_first: WeakKeyDictionary[asyncio.AbstractEventLoop, float] = WeakKeyDictionary()


def until_round(every: float) -> float:
    """Seconds to the running loop's next round of `every` seconds: about as many, the first time fewer."""
    now = clock.monotonic()
    began = _first.setdefault(asyncio.get_running_loop(), now)
    left = every - (now - began) % every
    return left if left > _EARLY * every else left + every


async def sleep_to_round(every: float) -> None:
    """Instead of `asyncio.sleep(every)`, in chores that repeat."""
    await asyncio.sleep(until_round(every))

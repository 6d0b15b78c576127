"""How many listen and whether the host is there, asked for at most once a second per event."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

from stentor.core.links import ShardControl
from stentor.gateway.deps import Clock

FRESH_FOR = 1.0  # seconds
CAPACITY = 4096  # events asked about at the same time


@dataclass(frozen=True, slots=True)
class Audience:
    """One moment of one event."""

    listeners: int
    """Connected on all shards."""
    host: Literal["none", "present", "away"]
    """See `ShardControl.host_state`."""
    taken_at: float
    """Monotonic seconds."""


class AudienceCache:
    """However many ask, the shards are asked once a second; who comes while they are asked waits for that."""

    def __init__(self, control: ShardControl, clock: Clock) -> None:
        """`control` is asked."""
        self._control = control
        self._clock = clock
        self._known: OrderedDict[str, Audience] = OrderedDict()
        self._asking: dict[str, asyncio.Task[Audience]] = {}

    async def of(self, event_id: str) -> Audience:
        """At most FRESH_FOR old. Raises what `control` raises."""
        known = self._known.get(event_id)
        if known is not None and self._clock.monotonic() - known.taken_at < FRESH_FOR:
            return known
        task = self._asking.get(event_id)
        if task is None:
            task = asyncio.create_task(self._ask(event_id))
            self._asking[event_id] = task
            task.add_done_callback(lambda _: self._asking.pop(event_id, None))
        return await asyncio.shield(task)  # one client that goes away does not spoil it for the others

    async def _ask(self, event_id: str) -> Audience:
        listeners, host = await asyncio.gather(
            self._control.listeners_of(event_id), self._control.host_state(event_id)
        )
        audience = Audience(listeners, host, self._clock.monotonic())
        self._known[event_id] = audience
        self._known.move_to_end(event_id)
        if len(self._known) > CAPACITY:
            self._known.popitem(last=False)
        return audience

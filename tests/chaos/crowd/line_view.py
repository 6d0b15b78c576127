"""The status body as pages of a crowd see it through a cache: fetched once a second, read by everybody."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

from stentor.core.admission.estimate import ahead_of, estimate
from stentor.core.admission.laws import Laws
from stentor.core.admission.line import Serving
from stentor_loadtest.errors import JoinError

EVERY = 1.0  # seconds that a cache keeps it
PATIENCE = 4.0  # seconds for one answer
_ARRIVAL = slice(22, 30)  # of a ticket's bytes (`core/admission/ticket.py`)


class LineView:
    """`watch` it in a task."""

    def __init__(self, fetch: Callable[[], Awaitable[bytes]]) -> None:
        self._fetch = fetch
        self._laws = Laws()
        self._fields: dict[str, Any] = {}
        self.failed = 0

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            began = time.monotonic()
            try:
                async with asyncio.timeout(PATIENCE):
                    self._fields = json.loads(await self._fetch())
            except (JoinError, TimeoutError, ValueError):
                self.failed += 1
            await asyncio.sleep(max(0.0, began + EVERY - time.monotonic()))

    @property
    def is_there(self) -> bool:
        """Whether there is a line: a page then takes a place in it instead of asking for a seat."""
        return self._fields.get("serving") is not None

    def calls(self, arrival_ms: int) -> bool:
        """Whether somebody of this arrival may come; anybody may while there is no line."""
        serving = self._fields.get("serving")
        return serving is None or arrival_ms <= serving["arrival"]

    def poll_after(self, arrival_ms: int) -> float:
        """Seconds until a page of this place looks again."""
        serving = self._fields.get("serving")
        if serving is None:
            return self._laws.poll_least * (0.8 + 0.4 * random.random())
        curve = [(int(at), int(count)) for at, count in self._fields["arrivals"]]
        ahead = ahead_of(curve, Serving(serving["share"], serving["arrival"]), arrival_ms)
        rate, pace = float(self._fields["rate"]), float(self._fields["pace"])
        full, spread = bool(self._fields["full"]), random.uniform(-1, 1)
        return estimate(self._laws, ahead=ahead, rate=rate, full=full, spread=spread, pace=pace).poll


def arrival_of(ticket: str) -> int:
    """When it was given, in ms since 1970: pages are told it, and the ticket carries it in the clear."""
    return int.from_bytes(base64.urlsafe_b64decode(ticket)[_ARRIVAL], "big")

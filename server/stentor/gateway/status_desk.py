"""Status bodies: rendered once a second per event by a task, handed out as they lie there."""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import dataclass

from stentor.cluster.event_record import EventRecord
from stentor.core.ids import event_key
from stentor.gateway.audience import CAPACITY, AudienceCache
from stentor.gateway.deps import GatewayDeps
from stentor.gateway.ready_bytes import status_answer
from stentor.gateway.room import is_full
from stentor.gateway.status_body import build_status

FRESH_FOR = 1.0  # seconds that a body is handed out for by itself
READY_FOR = 2.5  # seconds: while the task is at work nobody waits for it
ASKED_FOR = 60.0  # seconds without anybody asking until an event is not rendered any more

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Rendered:
    record: EventRecord
    body: bytes
    answer: bytes
    at: float
    asked_at: float


class StatusDesk:
    """One body per event that pages ask for."""

    def __init__(self, deps: GatewayDeps, audience: AudienceCache) -> None:
        self._deps = deps
        self._audience = audience
        self._known: OrderedDict[str, _Rendered] = OrderedDict()

    def ready(self, event_id: str) -> bytes | None:
        """The whole HTTP answer when one lies ready; None: ask `body`. Never waits."""
        known = self._known.get(event_id)
        if known is None:
            return None
        now = self._deps.clock.monotonic()
        if now - known.at >= READY_FOR or self._deps.book.get(event_id) is not known.record:
            return None
        known.asked_at = now
        return known.answer

    async def body(self, record: EventRecord) -> bytes:
        """The JSON for this very record, at most a second old."""
        now = self._deps.clock.monotonic()
        known = self._known.get(record.id)
        if known is None or known.record is not record or now - known.at >= FRESH_FOR:
            await self._audience.of(record.id)
            # Of those who waited together for the audience, the first renders.
            known = self._known.get(record.id)
            if known is None or known.record is not record or now - known.at >= FRESH_FOR:
                known = await self._render(record)
        known.asked_at = now
        return known.body

    async def render_all(self) -> None:
        """Render every body that somebody has asked for lately; forget the others."""
        now = self._deps.clock.monotonic()
        for event_id, known in list(self._known.items()):
            record = self._deps.book.get(event_id)
            if record is None or now - known.asked_at > ASKED_FOR:
                self._known.pop(event_id, None)
                continue
            try:
                fresh = await self._render(record)
            except Exception:  # what `ShardControl` raises: the body that lies there has to do
                _log.exception("the status of an event could not be rendered")
                continue
            fresh.asked_at = known.asked_at

    async def _render(self, record: EventRecord) -> _Rendered:
        deps = self._deps
        audience = await self._audience.of(record.id)
        now, wall = deps.clock.monotonic(), deps.clock.wall()
        body = build_status(
            record,
            audience,
            now=wall,
            monotonic=now,
            full=is_full(deps.shards.totals(now)),
            line=deps.desk.line(event_key(record.id)),
            moves=deps.status.moves,
        )
        rendered = _Rendered(record, body, status_answer(body, now=wall), now, now)
        self._known[record.id] = rendered
        self._known.move_to_end(record.id)
        if len(self._known) > CAPACITY:
            self._known.popitem(last=False)
        return rendered

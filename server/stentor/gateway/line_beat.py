"""Once a second: the line moves, and what everybody is told of it is written anew."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from aiohttp import web

from stentor.gateway.deps import GatewayDeps
from stentor.gateway.room import room_of
from stentor.gateway.status_desk import StatusDesk
from stentor.gateway.tickets import TicketOffice

INTERVAL = 1.0  # seconds; the release law and the status body both count in it
OURSELVES = b""  # this gateway's name among those that report to its own leader

_log = logging.getLogger(__name__)


class LineBeat:
    """Moves the lines when this gateway leads, reports otherwise; then decides who is seated at once."""

    def __init__(self, deps: GatewayDeps, office: TicketOffice, status: StatusDesk) -> None:
        self._deps = deps
        self._office = office
        self._status = status

    def beat(self) -> None:
        """One second's work on the lines. Nothing here waits."""
        deps, now = self._deps, self._deps.clock.monotonic()
        gateways = 1 + len(deps.gateways())
        room = room_of(deps.shards.totals(now), gateways)
        deps.desk.forget_gone(now)
        counts = [line.counts() for line in deps.desk.lines()]
        if deps.link.is_leading():
            deps.leader.on_room(OURSELVES, room, now=now)
            for count in counts:
                deps.leader.on_counts(OURSELVES, count, now=now)
            notices = deps.leader.step(now, now_ms=self._office.now_ms())
            for notice in notices:
                deps.desk.on_notice(notice, now=now, wall_ms=self._office.now_ms())
            deps.link.announce(notices)
        else:
            deps.link.report(counts, room)
        deps.desk.tick(now, room, gateways=gateways)
        deps.metrics.queue_depth.set(deps.desk.waiting)

    async def go_on(self) -> None:
        """Until cancelled. A second that fails is logged; the next one is tried."""
        while True:
            await asyncio.sleep(INTERVAL)
            try:
                self.beat()
                await self._status.render_all()
            except Exception:
                _log.exception("a second of the line was lost")

    async def running(self, _app: web.Application) -> AsyncIterator[None]:
        """For `Application.cleanup_ctx`."""
        task = asyncio.create_task(self.go_on(), name="line beat")
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

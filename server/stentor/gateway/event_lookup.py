"""The event a request names, or the problem that says why not."""

from __future__ import annotations

from aiohttp import web

from stentor.cluster.event_record import EventRecord
from stentor.core.ids import is_event_id
from stentor.gateway.deps import GatewayDeps
from stentor.gateway.problems import ProblemError


async def find_event(deps: GatewayDeps, request: web.Request) -> EventRecord:
    """The record of `{event}` in the path. ProblemError 404; StoreUnavailableError when nobody can tell."""
    event_id = request.match_info["event"]
    record = await deps.book.find(event_id) if is_event_id(event_id) else None
    if record is None:
        raise ProblemError("no-such-event", "No event has this id. Check the link.")
    return record


_RETRY_EARLY = 5  # seconds, for an event that says no time or is late
_RETRY_LONGEST = 30  # seconds: a host may start before the announced time


def require_live(deps: GatewayDeps, record: EventRecord) -> None:
    """Return when the event is live; ProblemError 409 with Retry-After when nobody has been heard yet."""
    if record.phase != "early":
        return
    wait = float(_RETRY_EARLY)
    if record.starts_at is not None:
        wait = record.starts_at - deps.clock.wall()
    seconds = round(min(max(wait, _RETRY_EARLY), _RETRY_LONGEST))
    raise ProblemError("not-live", "The host is not there yet.", headers={"Retry-After": str(seconds)})


async def find_open_event(deps: GatewayDeps, request: web.Request) -> EventRecord:
    """The same, for joining: ProblemError 410 when the event has ended, 503 when this gateway drains."""
    record = await find_event(deps, request)
    if record.phase == "ended":
        raise ProblemError("event-ended", "It will not start again.")
    if deps.drain.is_on:
        raise ProblemError("draining", "Try again: another server answers.", headers={"Retry-After": "2"})
    return record

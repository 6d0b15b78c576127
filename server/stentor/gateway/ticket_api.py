"""`POST /api/events/{event}/ticket`: a place in line, cheaper than an offer for a seat that is not there."""

from __future__ import annotations

import msgspec
from aiohttp import hdrs, web

from stentor.core.admission.ticket import Ticket
from stentor.gateway.deps import GatewayDeps
from stentor.gateway.event_lookup import find_open_event, require_live
from stentor.gateway.tickets import TicketOffice


class TicketApi:
    """No body is read, nobody is asked: the place is the time at which it was given."""

    def __init__(self, deps: GatewayDeps, office: TicketOffice) -> None:
        self._deps = deps
        self._office = office

    async def post(self, request: web.Request) -> web.Response:
        """201 `{ticket, arrival}`; ProblemError 409 before the event is live, 410 after its end."""
        deps = self._deps
        record = await find_open_event(deps, request)
        require_live(deps, record)
        ticket = self._office.new(record)
        deps.desk.queue(ticket.event, ticket.epoch, ticket, now=deps.clock.monotonic())
        return web.Response(
            status=201,
            body=msgspec.json.encode(place_of(ticket, self._office)),
            content_type="application/json",
            headers={hdrs.CACHE_CONTROL: "no-store"},
        )


def place_of(ticket: Ticket, office: TicketOffice) -> dict[str, str | int]:
    """What its holder is told: the ticket, and the place itself in ms since 1970."""
    return {"ticket": office.seal(ticket), "arrival": ticket.arrival_ms}

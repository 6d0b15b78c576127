"""`POST /whep/{event}`: an offer in, a seat out (draft-ietf-wish-whep). Nothing here waits for a shard."""

from __future__ import annotations

from aiohttp import web

from stentor.cluster.event_record import EventRecord
from stentor.core.admission.ticket import Ticket, TicketError, open_ticket, seal_ticket
from stentor.core.ids import TICKET_BYTES, event_key
from stentor.core.webrtc.capsule import PeerKind
from stentor.gateway.cors import TICKET_HEADER
from stentor.gateway.deps import GatewayDeps
from stentor.gateway.event_lookup import find_open_event
from stentor.gateway.offers import read_offer
from stentor.gateway.problems import ProblemError
from stentor.gateway.session_answer import answer_offer, no_room, session_for
from stentor.telemetry.words import Outcome

_EVERYBODY = 0  # the lane without privileges
_RETRY_EARLY = 5  # seconds, for an event that says no time or is late
_RETRY_LONGEST = 30  # seconds: a host may start before the announced time

_OUTCOMES: dict[str, Outcome] = {
    "no-such-event": "unknown_event",
    "not-live": "not_live",
    "event-ended": "ended",
    "no-room": "no_room",
    "draining": "draining",
}


class WhepEndpoint:
    """Answers listeners."""

    def __init__(self, deps: GatewayDeps) -> None:
        self._deps = deps

    async def post(self, request: web.Request) -> web.Response:
        """201 with an answer, or the problem."""
        metrics = self._deps.metrics
        metrics.step("offer")
        try:
            response = await self._admit(request)
        except ProblemError as problem:
            metrics.step("refused")
            metrics.decided(_OUTCOMES.get(problem.slug, "bad_offer"))
            raise
        metrics.step("answer")
        metrics.decided("admitted")
        return response

    async def _admit(self, request: web.Request) -> web.Response:
        deps = self._deps
        record = await find_open_event(deps, request)
        if record.phase == "early":
            raise self._not_live(record)
        offer = await read_offer(request, role="whep", seconds=deps.settings.body_timeout)
        ticket = self._ticket(request, record)
        shard = deps.shards.pick("relay", ticket.ticket_id, deps.clock.monotonic())
        if shard is None:
            raise no_room()
        ref = session_for(deps, offer, shard=shard, kind=PeerKind.LISTENER, ticket_id=ticket.ticket_id)
        response = answer_offer(deps, request, offer, role="whep", event_id=record.id, shard=shard, ref=ref)
        response.headers[TICKET_HEADER] = seal_ticket(ticket, deps.secrets.ticket_secret)
        return response

    def _ticket(self, request: web.Request, record: EventRecord) -> Ticket:
        """The one the client brought; a new one when that is not for this event (or not ours at all)."""
        secrets, event = self._deps.secrets, event_key(record.id)
        try:
            brought = open_ticket(
                request.headers.get(TICKET_HEADER, ""), secrets.ticket_secret, key_id=secrets.ticket_key_id
            )
        except TicketError:
            brought = None
        if brought is not None and brought.event == event and brought.epoch == record.epoch:
            return brought
        return Ticket(
            event=event,
            epoch=record.epoch,
            ticket_id=self._deps.random_bytes(TICKET_BYTES),
            arrival_ms=round(self._deps.clock.wall() * 1000),
            lane=_EVERYBODY,
            key_id=secrets.ticket_key_id,
        )

    def _not_live(self, record: EventRecord) -> ProblemError:
        wait = float(_RETRY_EARLY)
        if record.starts_at is not None:
            wait = record.starts_at - self._deps.clock.wall()
        seconds = round(min(max(wait, _RETRY_EARLY), _RETRY_LONGEST))
        return ProblemError("not-live", "The host is not there yet.", headers={"Retry-After": str(seconds)})

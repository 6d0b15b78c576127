"""`POST /whep/{event}`: an offer in, a seat or a place in line out (draft-ietf-wish-whep).

Nothing here waits for a shard, a leader or a store.
"""

from __future__ import annotations

from aiohttp import web

from stentor.core.admission.ticket import Ticket
from stentor.core.links import ShardRecord
from stentor.core.webrtc.capsule import PeerKind
from stentor.gateway.cors import RESUME_HEADER, SHARD_HEADER, TICKET_HEADER
from stentor.gateway.deps import GatewayDeps
from stentor.gateway.event_lookup import find_open_event, require_live
from stentor.gateway.line_desk import Verdict
from stentor.gateway.offers import read_offer
from stentor.gateway.problems import ProblemError
from stentor.gateway.session_answer import answer_offer, session_for
from stentor.gateway.ticket_api import place_of
from stentor.gateway.tickets import TicketOffice
from stentor.telemetry.words import Outcome

_OUTCOMES: dict[str, Outcome] = {
    "no-such-event": "unknown_event",
    "not-live": "not_live",
    "event-ended": "ended",
    "in-line": "waiting",
    "too-early": "too_early",
    "no-room": "no_room",
    "draining": "draining",
}

_DETAILS = {
    "in-line": "Keep the ticket, it is your place. Come again with it when the status body calls it.",
    "too-early": "Your place is kept. Come again when the status body calls it.",
    "no-room": "There is no seat at this moment. Your ticket keeps your place: try again with it.",
}


class WhepEndpoint:
    """Answers listeners."""

    def __init__(self, deps: GatewayDeps, office: TicketOffice) -> None:
        self._deps = deps
        self._office = office

    async def post(self, request: web.Request) -> web.Response:
        """201 with an answer, or the problem."""
        metrics = self._deps.metrics
        metrics.step("offer")
        try:
            response, verdict = await self._admit(request)
        except ProblemError as problem:
            metrics.step("refused")
            metrics.decided(_OUTCOMES.get(problem.slug, "bad_offer"))
            raise
        metrics.step("answer")
        metrics.decided("resumed" if verdict.is_returning else "admitted")
        return response

    async def _admit(self, request: web.Request) -> tuple[web.Response, Verdict]:
        deps, office = self._deps, self._office
        record = await find_open_event(deps, request)
        require_live(deps, record)
        offer = await read_offer(request, role="whep", seconds=deps.settings.body_timeout)
        brought = office.brought(record, request.headers.get(TICKET_HEADER, ""))
        ticket = office.new(record) if brought is None else brought
        verdict = deps.desk.knock(
            ticket.event,
            ticket.epoch,
            ticket,
            is_new=brought is None,
            may_resume=brought is not None and self._may_resume(request, brought),
            now=deps.clock.monotonic(),
        )
        if verdict.word != "enter":
            slug = "in-line" if verdict.word == "wait" else "too-early"
            raise self._not_now(slug, ticket, verdict.retry_after)
        shard = self._pick(ticket, verdict)
        ref = session_for(deps, offer, shard=shard, kind=PeerKind.LISTENER, ticket_id=ticket.ticket_id)
        response = answer_offer(
            deps,
            request,
            offer,
            role="whep",
            event_id=record.id,
            shard=shard,
            ref=ref,
            returning=verdict.is_returning,
        )
        response.headers[TICKET_HEADER] = office.seal(ticket)
        response.headers[RESUME_HEADER] = office.resume_for(ticket)
        response.headers[SHARD_HEADER] = str(shard.shard)
        return response, verdict

    def _may_resume(self, request: web.Request, ticket: Ticket) -> bool:
        token = request.headers.get(RESUME_HEADER)
        return token is not None and self._office.may_resume(ticket, token)

    def _pick(self, ticket: Ticket, verdict: Verdict) -> ShardRecord:
        """The shard with a seat and a join credit for this ticket. ProblemError 503, the place kept."""
        desk, shards, now = self._deps.desk, self._deps.shards, self._deps.clock.monotonic()
        returning = verdict.is_returning
        shard = None
        if returning or not desk.returning.is_awaited(now):
            shard = shards.pick("relay", ticket.ticket_id, now, returning=returning)
        if shard is None:
            if returning and not shards.has_room("relay", now, returning=True):
                desk.returning.turned_away(ticket.ticket_id, now)
            retry = desk.turned_back(ticket.event, ticket.epoch, ticket, verdict=verdict, now=now)
            raise self._not_now("no-room", ticket, retry)
        desk.seated(ticket.event, ticket.epoch, ticket, now=now)
        desk.returning.seated(ticket.ticket_id)
        return shard

    def _not_now(self, slug: str, ticket: Ticket, retry_after: int) -> ProblemError:
        place = place_of(ticket, self._office)
        return ProblemError(slug, _DETAILS[slug], headers={"Retry-After": str(retry_after)}, members=place)

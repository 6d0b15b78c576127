"""`POST /whip/{event}`: a host's offer in, a place on the stage out (RFC 9725)."""

from __future__ import annotations

from aiohttp import web

from stentor.core.ids import publisher_ticket
from stentor.core.webrtc.capsule import PeerKind
from stentor.gateway.bearer import require_bearer
from stentor.gateway.cors import SHARD_HEADER
from stentor.gateway.deps import GatewayDeps
from stentor.gateway.event_lookup import find_open_event
from stentor.gateway.offers import read_offer
from stentor.gateway.session_answer import answer_offer, no_room, session_for


class WhipEndpoint:
    """Answers hosts.

    All publishers of an event share one ticket, so on one stage the newest replaces the one before. On two
    stages both are there: so a host leaves one that drains without a gap.
    """

    def __init__(self, deps: GatewayDeps) -> None:
        self._deps = deps

    async def post(self, request: web.Request) -> web.Response:
        """201 with an answer, or the problem."""
        deps = self._deps
        record = await find_open_event(deps, request)
        require_bearer(request, record.host_key_hash)
        offer = await read_offer(request, role="whip", seconds=deps.settings.body_timeout)
        ticket_id = publisher_ticket(record.id)
        if deps.pick_stage is not None:
            shard = deps.pick_stage(record.id)
        else:
            shard = deps.shards.pick("ingest", ticket_id, deps.clock.monotonic())
        if shard is None:
            raise no_room()
        kind = PeerKind.PUBLISHER_PASSIVE if offer.setup == "passive" else PeerKind.PUBLISHER
        ref = session_for(deps, offer, shard=shard, kind=kind, ticket_id=ticket_id)
        response = answer_offer(deps, request, offer, role="whip", event_id=record.id, shard=shard, ref=ref)
        response.headers[SHARD_HEADER] = str(shard.shard)
        return response

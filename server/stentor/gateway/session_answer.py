"""Making a session: capsule, SDP answer and the 201 around them. No shard is asked."""

from __future__ import annotations

from typing import Literal

from aiohttp import hdrs, web

from stentor.core.ids import SESSION_BYTES, event_key, program_ssrc
from stentor.core.links import ShardRecord
from stentor.core.webrtc.capsule import (
    CAPSULE_LIFETIME,
    Capsule,
    PeerKind,
    fingerprint_digest,
    ice_password,
    seal_capsule,
)
from stentor.core.webrtc.sdp import Offer, Role, build_answer
from stentor.gateway.deps import GatewayDeps
from stentor.gateway.etags import etag_for
from stentor.gateway.ice_links import ice_server_links
from stentor.gateway.origin import base_url
from stentor.gateway.problems import ProblemError
from stentor.gateway.session_urls import SessionRef, seal_session

SDP_TYPE = "application/sdp"
FRAGMENT_TYPE = "application/trickle-ice-sdpfrag"


def session_for(
    deps: GatewayDeps, offer: Offer, *, shard: ShardRecord, kind: PeerKind, ticket_id: bytes
) -> SessionRef:
    """A new session for this offer on this shard."""
    return SessionRef(
        shard=shard.shard,
        kind=kind,
        session=deps.random_bytes(SESSION_BYTES),
        ticket=ticket_id,
        opus_pt=offer.opus_pt,
        red_pt=offer.red_pt,
        maxptime=offer.maxptime,
        fingerprint_digest=fingerprint_digest(offer.fingerprint),
        mid=offer.mid,
    )


def credentials(
    deps: GatewayDeps,
    ref: SessionRef,
    shard: ShardRecord,
    *,
    event_id: str,
    generation: int,
    returning: bool = False,
) -> tuple[str, str]:
    """Our ICE ufrag (the sealed capsule) and password. ProblemError 503 when the shard fell silent.

    `returning`: see `Capsule.returning`; a session that is there already needs it no more.
    """
    relay_time = deps.shards.relay_time(shard.shard, deps.clock.monotonic())
    if relay_time is None:
        raise no_room()
    capsule = Capsule(
        shard=shard.shard,
        key_id=shard.key_id,
        kind=ref.kind,
        session=ref.session,
        ticket=ref.ticket,
        event=event_key(event_id),
        generation=generation,
        opus_pt=ref.opus_pt,
        red_pt=ref.red_pt,
        maxptime=ref.maxptime,
        fingerprint_digest=ref.fingerprint_digest,
        expires_at=relay_time + CAPSULE_LIFETIME,
        returning=returning,
    )
    ufrag = seal_capsule(capsule, shard.secret)
    return ufrag, ice_password(ufrag, shard.secret)


def answer_offer(
    deps: GatewayDeps,
    request: web.Request,
    offer: Offer,
    *,
    role: Role,
    event_id: str,
    shard: ShardRecord,
    ref: SessionRef,
    returning: bool = False,
) -> web.Response:
    """The 201: answer, session URL, ETag and ICE servers. `returning`: see `Capsule.returning`."""
    ufrag, password = credentials(deps, ref, shard, event_id=event_id, generation=0, returning=returning)
    setup: Literal["passive", "active"] = "active" if ref.kind is PeerKind.PUBLISHER_PASSIVE else "passive"
    answer = build_answer(
        offer,
        role=role,
        ufrag=ufrag,
        password=password,
        fingerprint=shard.fingerprint,
        candidates=shard.candidates,
        setup=setup,
        ssrc=program_ssrc(event_id) if role == "whep" else None,
        session_id=int.from_bytes(ref.session, "big") >> 1,  # 63 bits (RFC 8829 section 5.2.1)
        use_red=offer.red_pt is not None,
    )
    secret = deps.secrets.session_secret
    token = seal_session(ref, role=role, event_id=event_id, secret=secret)
    response = web.Response(status=201, body=answer.encode(), content_type=SDP_TYPE)
    response.headers[hdrs.LOCATION] = f"{base_url(request, deps.settings)}/{role}/{event_id}/{token}"
    response.headers[hdrs.ETAG] = etag_for(ref.session, 0, secret)
    response.headers["Accept-Patch"] = FRAGMENT_TYPE
    response.headers[hdrs.CACHE_CONTROL] = "no-store"
    for link in ice_server_links(deps.settings.ice_servers):
        response.headers.add(hdrs.LINK, link)
    return response


def no_room() -> ProblemError:
    """503: come again."""
    return ProblemError("no-room", "Every place is taken. Try again soon.", headers={"Retry-After": "5"})

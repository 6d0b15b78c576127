"""Reading the SDP offer of a WHIP or WHEP request."""

from __future__ import annotations

from aiohttp import web

from stentor.core.webrtc.sdp import Offer, Role, SdpError, parse_offer
from stentor.gateway.bodies import read_text
from stentor.gateway.problems import ProblemError
from stentor.gateway.session_answer import SDP_TYPE


async def read_offer(request: web.Request, *, role: Role, seconds: float) -> Offer:
    """The offer. ProblemError 415, 408, 413, 400 (malformed) or 422 (not supported)."""
    text = await read_text(
        request, SDP_TYPE, slug="malformed-sdp", seconds=seconds, accept={"Accept-Post": SDP_TYPE}
    )
    try:
        return parse_offer(text, role=role)
    except SdpError as error:
        slug = "unsupported-sdp" if error.status == 422 else "malformed-sdp"
        raise ProblemError(slug, error.detail) from error

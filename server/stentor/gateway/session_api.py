"""What WHIP and WHEP share after (and around) the POST: OPTIONS, GET, HEAD, PATCH, DELETE."""

from __future__ import annotations

from aiohttp import hdrs, web

from stentor.core.webrtc.sdp import Fragment, Role, SdpError, build_fragment, parse_fragment
from stentor.gateway.bodies import read_text
from stentor.gateway.cors import preflight_response
from stentor.gateway.deps import GatewayDeps
from stentor.gateway.etags import Generations, etag_for, stated_generations
from stentor.gateway.event_lookup import find_event
from stentor.gateway.problems import ProblemError
from stentor.gateway.session_answer import FRAGMENT_TYPE, SDP_TYPE, credentials
from stentor.gateway.session_urls import SessionRef, SessionUrlError, open_session


class SessionApi:
    """One for WHIP and one for WHEP. The session URL itself is the permission: it cannot be guessed."""

    def __init__(self, deps: GatewayDeps, role: Role) -> None:
        self._deps = deps
        self._role: Role = role
        self._generations = Generations()

    async def options(self, request: web.Request) -> web.Response:
        """200 with CORS and what may be posted and patched, whether or not there is such an event."""
        is_session = "session" in request.match_info
        response = preflight_response(
            "DELETE, GET, HEAD, OPTIONS, PATCH" if is_session else "GET, HEAD, OPTIONS, POST"
        )
        response.headers["Accept-Post"] = SDP_TYPE
        response.headers["Accept-Patch"] = FRAGMENT_TYPE
        return response

    async def get_endpoint(self, request: web.Request) -> web.Response:
        """GET and HEAD of the endpoint: 200, the SDP type, nothing inside."""
        await find_event(self._deps, request)
        return _empty_sdp()

    async def get_session(self, request: web.Request) -> web.Response:
        """GET and HEAD of a session: the same."""
        self._session(request)
        return _empty_sdp()

    async def delete(self, request: web.Request) -> web.Response:
        """200 when the session has been ended by this, 404 when there was none any more."""
        ref = self._session(request)
        if not await self._deps.control.end_session(ref.shard, ref.session):
            raise _no_session()
        return web.Response()

    async def patch(self, request: web.Request) -> web.Response:
        """Trickled candidates (204) or an ICE restart (200 with our new credentials).

        RFC 9725 section 4.3: the client says with If-Match which ICE session it means, `*` for a new one.
        """
        ref = self._session(request)
        fragment = await self._fragment(request)
        if_match = request.headers.get(hdrs.IF_MATCH, "").strip()
        if not if_match:
            raise ProblemError("etag-required", 'Send If-Match with the ETag, or "*" to restart ICE.')
        if if_match in ("*", '"*"'):  # RFC 9725 itself has examples with the quotes
            return self._restart(request.match_info["event"], ref, fragment)
        stated = stated_generations(if_match, ref.session, self._deps.secrets.session_secret)
        if not self._generations.is_current(ref.session, stated):
            raise ProblemError("stale-etag", "Use the ETag of the latest answer.")
        return web.Response(status=204)  # we are ICE-lite: the client's checks tell us its candidates

    def _restart(self, event_id: str, ref: SessionRef, fragment: Fragment) -> web.Response:
        """Until the client's first check with the new credentials, the old ones stay in force."""
        deps = self._deps
        if fragment.ice_ufrag is None:
            raise ProblemError("malformed-fragment", "An ICE restart needs a=ice-ufrag and a=ice-pwd.")
        shard = deps.shards.record(ref.shard, deps.clock.monotonic())
        if shard is None:
            raise _no_session()
        generation = self._generations.after_restart(ref.session)
        if generation is None:
            raise ProblemError("too-many-restarts", "Make a new session.")
        ufrag, password = credentials(deps, ref, shard, event_id=event_id, generation=generation)
        self._generations.restarted(ref.session, generation)
        body = build_fragment(ufrag, password, shard.candidates, ref.mid)
        response = web.Response(body=body.encode(), content_type=FRAGMENT_TYPE)
        response.headers[hdrs.ETAG] = etag_for(ref.session, generation, deps.secrets.session_secret)
        return response

    async def _fragment(self, request: web.Request) -> Fragment:
        text = await read_text(
            request,
            FRAGMENT_TYPE,
            slug="malformed-fragment",
            seconds=self._deps.settings.body_timeout,
            accept={"Accept-Patch": FRAGMENT_TYPE},
        )
        try:
            return parse_fragment(text)
        except SdpError as error:
            raise ProblemError("malformed-fragment", error.detail) from error

    def _session(self, request: web.Request) -> SessionRef:
        try:
            return open_session(
                request.match_info["session"],
                role=self._role,
                event_id=request.match_info["event"],
                secret=self._deps.secrets.session_secret,
            )
        except SessionUrlError as error:
            raise _no_session() from error


def _empty_sdp() -> web.Response:
    return web.Response(body=b"", content_type=SDP_TYPE, headers={hdrs.CACHE_CONTROL: "no-store"})


def _no_session() -> ProblemError:
    return ProblemError("no-such-session", "It has ended, or the URL is not one of ours.")

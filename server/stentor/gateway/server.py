"""Joins the parts of the gateway: which path leads to what, and what every request passes through."""

from __future__ import annotations

from aiohttp import web

from stentor.gateway.admin import AdminApi
from stentor.gateway.bodies import MAX_BODY
from stentor.gateway.cors import add_cors, answer_options
from stentor.gateway.deps import GatewayDeps
from stentor.gateway.events_api import EventsApi
from stentor.gateway.health import HealthApi
from stentor.gateway.limits import rate_limits
from stentor.gateway.pages import Pages
from stentor.gateway.problems import answer_problems
from stentor.gateway.session_api import SessionApi
from stentor.gateway.whep import WhepEndpoint
from stentor.gateway.whip import WhipEndpoint


def make_app(deps: GatewayDeps) -> web.Application:
    """The application. Serve it with `http_server.GatewayRunner`, which also guards the HTTP layer below."""
    app = web.Application(
        middlewares=[answer_problems, answer_options, rate_limits(deps)], client_max_size=MAX_BODY
    )
    app.on_response_prepare.append(add_cors)
    app.add_routes(_event_routes(EventsApi(deps)))
    app.add_routes(_signalling_routes("/whep", WhepEndpoint(deps), SessionApi(deps, "whep")))
    app.add_routes(_signalling_routes("/whip", WhipEndpoint(deps), SessionApi(deps, "whip")))
    app.add_routes(_operator_routes(HealthApi(deps), AdminApi(deps)))
    app.add_routes(Pages(deps).routes())
    return app


def _event_routes(events: EventsApi) -> list[web.RouteDef]:
    return [
        web.post("/api/events", events.create),
        web.get("/api/events/{event}", events.get),
        web.get("/api/events/{event}/status", events.status),
        web.post("/api/events/{event}/end", events.end),
    ]


def _signalling_routes(
    prefix: str, endpoint: WhepEndpoint | WhipEndpoint, session: SessionApi
) -> list[web.RouteDef]:
    endpoint_path, session_path = f"{prefix}/{{event}}", f"{prefix}/{{event}}/{{session}}"
    return [
        web.post(endpoint_path, endpoint.post),
        web.get(endpoint_path, session.get_endpoint),
        web.options(endpoint_path, session.options),
        web.get(session_path, session.get_session),
        web.options(session_path, session.options),
        web.patch(session_path, session.patch),
        web.delete(session_path, session.delete),
    ]


def _operator_routes(health: HealthApi, admin: AdminApi) -> list[web.RouteDef]:
    return [
        web.get("/healthz", health.live),
        web.get("/readyz", health.ready),
        web.get("/metrics", health.metrics),
        web.post("/admin/drain", admin.drain),
        web.post("/admin/ptime", admin.ptime),
    ]

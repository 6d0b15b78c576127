"""Joins the parts of the gateway: which path leads to what, and what every request passes through."""

from __future__ import annotations

from aiohttp import web

from stentor.gateway.admin import AdminApi
from stentor.gateway.audience import AudienceCache
from stentor.gateway.bodies import MAX_BODY
from stentor.gateway.cluster_api import ClusterApi
from stentor.gateway.cors import add_cors, answer_options
from stentor.gateway.deps import GatewayDeps
from stentor.gateway.events_api import EventsApi
from stentor.gateway.health import HealthApi
from stentor.gateway.http_server import RULES, connection_rules
from stentor.gateway.limits import rate_limits
from stentor.gateway.line_beat import LineBeat
from stentor.gateway.pages import Pages
from stentor.gateway.problems import answer_problems
from stentor.gateway.session_api import SessionApi
from stentor.gateway.status_desk import StatusDesk
from stentor.gateway.ticket_api import TicketApi
from stentor.gateway.tickets import TicketOffice
from stentor.gateway.whep import WhepEndpoint
from stentor.gateway.whip import WhipEndpoint


def make_app(deps: GatewayDeps) -> web.Application:
    """The application. Serve it with `http_server.GatewayRunner`, which also guards the HTTP layer below."""
    app = web.Application(
        middlewares=[answer_problems, answer_options, rate_limits(deps)], client_max_size=MAX_BODY
    )
    app.on_response_prepare.append(add_cors)
    office, audience = TicketOffice(deps), AudienceCache(deps.control, deps.clock)
    status = StatusDesk(deps, audience)
    app[RULES] = connection_rules(deps, status)
    app.cleanup_ctx.append(LineBeat(deps, office, status).running)
    app.add_routes(_event_routes(EventsApi(deps, audience, status), TicketApi(deps, office)))
    app.add_routes(_signalling_routes("/whep", WhepEndpoint(deps, office), SessionApi(deps, "whep")))
    app.add_routes(_signalling_routes("/whip", WhipEndpoint(deps), SessionApi(deps, "whip")))
    app.add_routes(_operator_routes(HealthApi(deps), AdminApi(deps), ClusterApi(deps)))
    app.add_routes(Pages(deps).routes())
    return app


def _event_routes(events: EventsApi, tickets: TicketApi) -> list[web.RouteDef]:
    return [
        web.post("/api/events", events.create),
        web.get("/api/events/{event}", events.get),
        web.get("/api/events/{event}/status", events.status),
        web.post("/api/events/{event}/ticket", tickets.post),
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


def _operator_routes(health: HealthApi, admin: AdminApi, cluster: ClusterApi) -> list[web.RouteDef]:
    return [
        web.get("/healthz", health.live),
        web.get("/readyz", health.ready),
        web.get("/metrics", health.metrics),
        web.get("/api/cluster", cluster.get),
        web.post("/admin/drain", admin.drain),
        web.post("/admin/ptime", admin.ptime),
    ]

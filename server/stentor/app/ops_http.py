"""HTTP of a process without a gateway: probes, metrics and drain."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import hdrs, web

from stentor.gateway.bearer import key_hash, require_bearer
from stentor.gateway.problems import ProblemError, answer_problems
from stentor.telemetry.metrics import Metrics

_FRESH = {hdrs.CACHE_CONTROL: "no-store"}


def make_ops_app(
    metrics: Metrics, *, admin_token: str, unready: Callable[[], list[str]], drain: Callable[[], None]
) -> web.Application:
    """`unready()` gives the reasons why this process should get no traffic, none when it should."""
    token_hash = key_hash(admin_token)

    async def live(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"}, headers=_FRESH)

    async def ready(_: web.Request) -> web.Response:
        reasons = unready()
        if reasons:
            raise ProblemError("not-ready", f"Reasons: {', '.join(reasons)}.", headers={"Retry-After": "2"})
        return web.json_response({"status": "ready"}, headers=_FRESH)

    async def show_metrics(_: web.Request) -> web.Response:
        body, content_type = metrics.render()
        return web.Response(body=body, headers={hdrs.CONTENT_TYPE: content_type, **_FRESH})

    async def turn_drain_on(request: web.Request) -> web.Response:
        require_bearer(request, token_hash)
        drain()
        return web.json_response({"state": "draining"}, status=202)

    app = web.Application(middlewares=[answer_problems], client_max_size=1024)
    app.add_routes(
        [
            web.get("/healthz", live),
            web.get("/readyz", ready),
            web.get("/metrics", show_metrics),
            web.post("/admin/drain", turn_drain_on),
        ]
    )
    return app

"""Probes and metrics."""

from __future__ import annotations

from aiohttp import hdrs, web

from stentor.gateway.deps import GatewayDeps
from stentor.gateway.problems import ProblemError


class HealthApi:
    """None of these looks at the store: a store that is away must not make anybody restart anything."""

    def __init__(self, deps: GatewayDeps) -> None:
        self._deps = deps

    async def live(self, _request: web.Request) -> web.Response:
        """200 whenever this loop runs."""
        return web.json_response({"status": "ok"}, headers={hdrs.CACHE_CONTROL: "no-store"})

    async def ready(self, _request: web.Request) -> web.Response:
        """200 when listeners and hosts can be taken, full or not; 503 with the reasons otherwise."""
        now = self._deps.clock.monotonic()
        reasons = [
            reason
            for reason, holds in (
                ("draining", self._deps.drain.is_on),
                ("no relay is heard", not self._deps.shards.is_served("relay", now)),
                ("no ingest is heard", not self._deps.shards.is_served("ingest", now)),
            )
            if holds
        ]
        if reasons:
            raise ProblemError("not-ready", f"Reasons: {', '.join(reasons)}.", headers={"Retry-After": "2"})
        return web.json_response({"status": "ready"}, headers={hdrs.CACHE_CONTROL: "no-store"})

    async def metrics(self, _request: web.Request) -> web.Response:
        """Prometheus text."""
        body, content_type = self._deps.metrics.render()
        return web.Response(
            body=body, headers={hdrs.CONTENT_TYPE: content_type, hdrs.CACHE_CONTROL: "no-store"}
        )

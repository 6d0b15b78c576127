"""Rate limits per network on everything that changes something."""

from __future__ import annotations

import math

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from stentor.core.admission.gcra import Gcra
from stentor.gateway.deps import GatewayDeps
from stentor.gateway.origin import client_network
from stentor.gateway.problems import ProblemError

_LIMITED = frozenset({hdrs.METH_POST, hdrs.METH_PATCH, hdrs.METH_DELETE})


def _is_signalling(path: str) -> bool:
    """What an audience that arrives sends: a place in line is asked for as often as a seat."""
    return path.startswith(("/whep/", "/whip/")) or (path.startswith("/api/") and path.endswith("/ticket"))


def rate_limits(deps: GatewayDeps) -> Middleware:
    """Middleware: one allowance per network for signalling and tickets, one for every other change."""
    settings = deps.settings
    signalling = Gcra(rate=settings.signalling_rate, burst=settings.signalling_burst)
    creation = Gcra(rate=settings.creation_rate, burst=settings.creation_burst)

    @web.middleware
    async def limit(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method in _LIMITED:
            is_signalling = _is_signalling(request.path)
            limiter = signalling if is_signalling else creation
            wait = limiter.check(client_network(request, settings), now=deps.clock.monotonic())
            if wait > 0:
                if is_signalling:
                    deps.metrics.decided("rate_limited")
                retry = {"Retry-After": str(math.ceil(wait))}
                raise ProblemError("rate-limited", "Try again later.", headers=retry)
        return await handler(request)

    return limit

"""The HTTP layer under the application: its limits, and problem+json where aiohttp would answer by itself."""

from __future__ import annotations

import asyncio
import resource
from typing import Any, Final

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from stentor.gateway.connection import ConnectionRules, GuardedConnection
from stentor.gateway.connection_guard import ConnectionGuard, ConnectionLimits
from stentor.gateway.deps import GatewayDeps
from stentor.gateway.problems import problem_from, problem_response
from stentor.gateway.status_desk import StatusDesk

SHUTDOWN_TIMEOUT = 3.0  # seconds for requests that are being answered when the server stops
MAX_LINE = 8190  # bytes of the request line and of one header field
MAX_HEADERS = 64  # fields; a browser sends about 20
KEPT_FILES = 256  # descriptors for sockets, store and logs that connections must leave alone

RULES: Final = web.AppKey("connection rules", ConnectionRules)


def connection_rules(deps: GatewayDeps, status: StatusDesk) -> ConnectionRules:
    """What every connection of this gateway goes by."""
    settings = deps.settings
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    limits = ConnectionLimits(
        total=max(1, min(settings.max_connections, files - KEPT_FILES)),
        per_network=None if settings.trust_forwarded else settings.connections_per_network,
        accepts_per_second=settings.accept_rate,
        accept_burst=settings.accept_burst,
    )
    return ConnectionRules(
        guard=ConnectionGuard(limits),
        metrics=deps.metrics,
        monotonic=deps.clock.monotonic,
        head_timeout=settings.head_timeout,
        idle_timeout=settings.idle_timeout,
        ready_status=status.ready,
    )


class _Server(web.Server):
    """Makes our protocol for every connection."""

    def __init__(self, handler: object, *, rules: ConnectionRules, **options: object) -> None:
        super().__init__(handler, **options)  # type: ignore[arg-type]
        self._rules = rules

    def __call__(self) -> RequestHandler:
        return GuardedConnection(self, self._rules, loop=self._loop, **self._kwargs)


class GatewayRunner(web.AppRunner):
    """`AppRunner` with our limits. Use with `GatewaySite` or `web.SockSite`."""

    def __init__(self, app: web.Application) -> None:
        """`app` is `server.make_app`'s.

        No access log: it would hold session URLs and addresses of people; metrics count instead.
        """
        super().__init__(
            app,
            access_log=None,
            shutdown_timeout=SHUTDOWN_TIMEOUT,
            keepalive_timeout=app[RULES].idle_timeout,
            max_line_size=MAX_LINE,
            max_field_size=MAX_LINE,
            max_headers=MAX_HEADERS,
            handler_cancellation=True,  # whoever hangs up costs nothing more
        )

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        application = self.app

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            try:
                return await server.request_handler(request)
            except web.HTTPException as error:  # raised before the middlewares: an Expect header
                if error.status < 400:
                    raise
                return problem_response(problem_from(error))

        return _Server(
            handle,
            rules=application[RULES],
            request_factory=application._make_request,
            handler_cancellation=server.handler_cancellation,
            loop=asyncio.get_running_loop(),
            **server._kwargs,
        )


class GatewaySite(web.TCPSite):
    """`TCPSite` that gives a TLS handshake no longer than a request's head."""

    def __init__(self, runner: GatewayRunner, *args: Any, handshake_timeout: float, **options: Any) -> None:
        """`handshake_timeout` in seconds; the rest as for `web.TCPSite`."""
        super().__init__(runner, *args, **options)
        self._handshake_timeout = handshake_timeout

    async def start(self) -> None:
        """Listen. OSError when the address cannot be had."""
        await web.BaseSite.start(self)
        server = self._runner.server
        assert server is not None
        self._server = await asyncio.get_running_loop().create_server(
            server,
            self._host,
            self._port,
            ssl=self._ssl_context,
            backlog=self._backlog,
            ssl_handshake_timeout=self._handshake_timeout if self._ssl_context else None,
        )

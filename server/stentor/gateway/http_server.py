"""The HTTP layer under the application: its limits, and problem+json where aiohttp would answer by itself.

The only module that touches what aiohttp calls private; aiohttp is pinned.
"""

from __future__ import annotations

import asyncio
import logging

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from stentor.gateway.problems import ProblemError, problem_from, problem_response

IDLE_TIMEOUT = 30.0  # seconds without a complete request head: slow headers and idle connections end here
SHUTDOWN_TIMEOUT = 3.0  # seconds for requests that are being answered when the server stops
MAX_LINE = 8190  # bytes of the request line and of one header field
MAX_HEADERS = 64  # fields; a browser sends about 20

_log = logging.getLogger(__name__)


class _Protocol(RequestHandler):
    """One connection."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what never became a request of the application (bytes that are not HTTP), and hang up."""
        if status < 500:
            _log.debug("not HTTP: %s", type(exc).__name__)  # anybody can cause it: no place in the log
            problem = ProblemError("bad-request", "The request could not be read as HTTP/1.1.")
        else:
            _log.error("a request failed outside the application", exc_info=exc)
            problem = ProblemError("internal", "The operator's log has the details.")
        response = problem_response(problem)
        response.force_close()
        response.headers["Connection"] = "close"  # said too, for clients that keep HTTP/1.1 connections
        return response


class _Server(web.Server):
    """Makes our protocol for every connection."""

    def __call__(self) -> RequestHandler:
        return _Protocol(self, loop=self._loop, **self._kwargs)


class GatewayRunner(web.AppRunner):
    """`AppRunner` with our limits. Use with `web.TCPSite` or `web.SockSite` as usual."""

    def __init__(self, app: web.Application, *, idle_timeout: float = IDLE_TIMEOUT) -> None:
        """No access log: it would hold session URLs and addresses of people; metrics count instead."""
        super().__init__(
            app,
            access_log=None,
            shutdown_timeout=SHUTDOWN_TIMEOUT,
            keepalive_timeout=idle_timeout,
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
            request_factory=application._make_request,
            handler_cancellation=server.handler_cancellation,
            loop=asyncio.get_running_loop(),
            **server._kwargs,
        )

"""One HTTP connection: aiohttp's protocol with our limits around it.

With `http_server` the only module that touches what aiohttp calls private; aiohttp is pinned.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from stentor.core.admission.gcra import network_key
from stentor.gateway.connection_guard import ConnectionGuard
from stentor.gateway.problems import ProblemError, problem_response, raw_problem
from stentor.gateway.ready_bytes import is_whole_get, status_asked_for
from stentor.telemetry.metrics import Metrics

REFUSED_AT_ONCE = 2_000  # refused connections that are still told so; one more is only closed
REFUSED_FOR = 1.0  # seconds in which the request of a refused connection may come and be answered

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class ConnectionRules:
    """What all connections of a server share."""

    guard: ConnectionGuard
    """Who may stay."""
    metrics: Metrics
    """Where refusals are counted."""
    monotonic: Callable[[], float]
    """The time."""
    head_timeout: float
    """Seconds from the first byte of a request until its head is whole."""
    idle_timeout: float
    """Seconds a connection may be without a request."""
    ready_status: Callable[[str], bytes | None]
    """The whole answer about an event when it lies ready, or None: the request goes the usual way."""
    refused: set[RefusedConnection] = field(default_factory=set)
    """Refused connections that wait for their request, so that they can be told."""


class RefusedConnection:
    """Waits a moment for the request: an answer before it would be lost in the reset that follows."""

    def __init__(self, transport: asyncio.Transport, rules: ConnectionRules) -> None:
        self._transport = transport
        self._rules = rules
        rules.refused.add(self)
        self._timer = asyncio.get_running_loop().call_later(REFUSED_FOR, transport.close)
        self._is_answered = False

    def answer(self) -> None:
        """Say 503, once; what else comes is thrown away until the client hangs up."""
        if self._is_answered:
            return
        self._is_answered = True
        detail = "Try again in a moment."
        retry = {"Retry-After": "2"}
        self._transport.write(raw_problem(ProblemError("overloaded", detail, headers=retry)))
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:  # TLS
            self._transport.close()

    def end(self) -> None:
        """The connection is gone."""
        self._timer.cancel()
        self._rules.refused.discard(self)


class GuardedConnection(RequestHandler):
    """One connection."""

    __slots__ = ("_between_requests", "_head_timer", "_network", "_refused", "_rules", "_was_busy")

    def __init__(self, manager: web.Server, rules: ConnectionRules, **options: Any) -> None:
        super().__init__(manager, **options)
        self._rules = rules
        self._network: str | None = None
        self._refused: RefusedConnection | None = None
        self._head_timer: asyncio.TimerHandle | None = None
        self._was_busy = False  # something was answered past aiohttp since its last look
        self._between_requests = True  # the parser holds no part of a request

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or get ready to refuse it without making anything for it."""
        transport = cast(asyncio.Transport, transport)  # uvloop's only behaves like one
        peer = transport.get_extra_info("peername")
        network = network_key(str(peer[0])) if isinstance(peer, tuple) and peer else "local"
        refusal = self._rules.guard.enter(network, now=self._rules.monotonic())
        if refusal is None:
            self._network = network
            super().connection_made(transport)
            return
        self._rules.metrics.connection_refused(refusal)
        self._manager = None  # aiohttp: this protocol never was in use
        if len(self._rules.refused) < REFUSED_AT_ONCE:
            self._refused = RefusedConnection(transport, self._rules)
        else:
            transport.close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Give the place back."""
        self._stop_head_timer()
        if self._refused is not None:
            self._refused.end()
            self._refused = None
        if self._network is not None:
            self._rules.guard.leave(self._network)
            self._network = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Answer what lies ready, hand the rest to aiohttp, and see that a head does not take for ever."""
        if self._network is None:
            if self._refused is not None:
                self._refused.answer()
            return
        if self._between_requests:
            if self._is_idle() and self._answer_ready(data):
                return
            self._between_requests = is_whole_get(data)
        super().data_received(data)
        if self._is_idle():
            if self._head_timer is None and self._keepalive_timeout > 0:
                self._head_timer = self._loop.call_later(self._rules.head_timeout, self._head_is_late)
        else:
            self._stop_head_timer()

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

    def _is_idle(self) -> bool:
        """Whether aiohttp waits for a request and has none."""
        waiter = self._waiter
        return waiter is not None and not waiter.done() and not self._messages

    def _answer_ready(self, data: bytes) -> bool:
        if self._paused or self._close or self._force_close or self.transport is None:
            return False  # the client does not read its answers: the parser's way has the brakes
        event_id = status_asked_for(data)
        answer = None if event_id is None else self._rules.ready_status(event_id)
        if answer is None:
            return False
        self.transport.write(answer)
        self._was_busy = True
        return True

    def _process_keepalive(self) -> None:
        """aiohttp's timer for idle connections does not know of the answers that it did not send."""
        if self._was_busy and not self._force_close:
            self._was_busy = False
            self._keepalive_handle = self._loop.call_later(self._keepalive_timeout, self._process_keepalive)
        else:
            super()._process_keepalive()

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self.transport is None or not self._is_idle():
            return
        self._rules.metrics.connection_refused("slow-head")
        detail = f"The head of the request was not there after {self._rules.head_timeout:g} s."
        self.transport.write(raw_problem(ProblemError("slow-head", detail)))
        self.force_close()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

"""Where this process serves HTTP."""

from __future__ import annotations

import errno
import ssl
from contextlib import AsyncExitStack

from aiohttp import web

from stentor.app.settings import Settings
from stentor.core.errors import LocalError
from stentor.core.outputs import Address
from stentor.gateway.deps import GatewayDeps
from stentor.gateway.http_server import GatewayRunner, GatewaySite
from stentor.gateway.server import make_app

BACKLOG = 4096  # connections the kernel holds for us while a whole audience arrives at once


async def open_gateway(settings: Settings, deps: GatewayDeps, stack: AsyncExitStack) -> str:
    """Serve pages and API; returns the URL a browser on this machine may open. Raises LocalError."""
    runner = GatewayRunner(make_app(deps))
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    tls = _tls_context(settings)
    host, port = settings.http
    site = GatewaySite(
        runner,
        host,
        port,
        ssl_context=tls,
        backlog=BACKLOG,
        handshake_timeout=deps.settings.head_timeout,
    )
    await _start(site, settings)
    return settings.public_url or _own_url(host, runner.addresses[0][1], tls is not None)


async def open_ops(settings: Settings, app: web.Application, stack: AsyncExitStack) -> str:
    """Serve probes and metrics, in the clear; returns their URL. Raises LocalError."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    host, port = settings.http
    await _start(web.TCPSite(runner, host, port), settings)
    return _own_url(host, runner.addresses[0][1], encrypted=False)


def in_the_way(option: str, address: Address, error: OSError) -> LocalError:
    """What to say of a port that cannot be had."""
    reason = "is in use by another program" if error.errno == errno.EADDRINUSE else str(error.strerror)
    return LocalError(f"{option} {address[0]}:{address[1]}: {reason}")


async def _start(site: web.TCPSite, settings: Settings) -> None:
    try:
        await site.start()
    except OSError as error:
        raise in_the_way("--http", settings.http, error) from error


def _tls_context(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise LocalError(f"--tls-cert and --tls-key: cannot be used: {error}") from error
    return context


def _own_url(host: str, port: int, encrypted: bool) -> str:
    """Where to point a browser on this machine: getUserMedia needs localhost or HTTPS."""
    shown = "localhost" if host in ("0.0.0.0", "::", "127.0.0.1", "::1") else host  # noqa: S104
    bracketed = f"[{shown}]" if ":" in shown else shown
    return f"{'https' if encrypted else 'http'}://{bracketed}:{port}"

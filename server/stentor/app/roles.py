"""All roles in one process: the only place where they are built and joined."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import platform
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CollectorRegistry

from stentor import __version__
from stentor.app.local_control import LocalControl
from stentor.app.media_plane import MediaPlane, build_media_plane
from stentor.app.pulse import Pulse
from stentor.app.secrets import Secrets, StateDir
from stentor.app.settings import Settings
from stentor.cluster.client import open_client
from stentor.cluster.directory import Directory, StoreUnavailableError
from stentor.cluster.embedded import EmbeddedStore
from stentor.cluster.event_book import EventBook
from stentor.core.errors import LocalError
from stentor.core.outputs import Address
from stentor.gateway.deps import GatewayDeps, GatewaySecrets, GatewaySettings
from stentor.gateway.drain import DrainSwitch
from stentor.gateway.http_server import GatewayRunner
from stentor.gateway.server import make_app
from stentor.gateway.shard_table import ShardTable
from stentor.net import clock
from stentor.telemetry.metrics import Metrics

START_ATTEMPTS = 20  # times the store may be too slow before the start is given up
START_PAUSE = 0.5  # seconds between them
YIELD = 10  # steps of niceness: on a busy core media goes before handshakes and HTTP
BACKLOG = 4096  # connections the kernel holds for us while a whole audience arrives at once

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is ready."""

    book: EventBook
    media: MediaPlane
    base_url: str
    store: str


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Server]:
    """Start everything in order; on exit stop it in the opposite order.

    Raises LocalError when a port is taken, the state directory cannot be used or the store does not answer.
    """
    secrets = StateDir(settings.state_dir).secrets()
    metrics = Metrics(CollectorRegistry())
    metrics.built(version=__version__, python=platform.python_version())
    async with AsyncExitStack() as stack:
        directory, store = await _open_directory(settings, stack)
        book = EventBook(directory)
        await _patiently(book.refresh)
        book.start()
        stack.push_async_callback(book.stop)
        media = _open_media(settings, metrics, book)
        stack.push_async_callback(media.stop)
        shards = ShardTable()
        pulse = Pulse(media, shards, directory, metrics)
        await _patiently(pulse.publish)
        pulse.start()
        stack.push_async_callback(pulse.stop)
        base_url = await _open_gateway(settings, secrets, metrics, book, media, shards, stack)
        yield Server(book, media, base_url, store)


async def _patiently(step: Callable[[], Awaitable[None]]) -> None:
    """A machine that is busy starting things may answer late: the short timeouts are for later."""
    for _ in range(START_ATTEMPTS - 1):
        try:
            await step()
        except StoreUnavailableError:
            await asyncio.sleep(START_PAUSE)
        else:
            return
    await step()


async def _open_directory(settings: Settings, stack: AsyncExitStack) -> tuple[Directory, str]:
    if settings.redis is not None:
        url, store = settings.redis, "Redis"
    else:
        embedded = EmbeddedStore()
        url = await embedded.start(settings.state_dir)
        stack.push_async_callback(embedded.stop)
        store = embedded.description
    directory = Directory(open_client(url), monotonic=clock.monotonic)
    stack.push_async_callback(directory.close)
    await directory.connect()
    return directory, store


def _open_media(settings: Settings, metrics: Metrics, book: EventBook) -> MediaPlane:
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()

    async def go_live(event: bytes) -> None:
        event_id = book.id_of_key(event)
        if event_id is not None:
            await book.go_live(event_id, now=clock.wall())

    def on_heard(event: bytes) -> None:
        task = loop.create_task(go_live(event))
        tasks.add(task)  # the loop holds tasks weakly
        task.add_done_callback(tasks.discard)

    try:
        media = build_media_plane(
            settings.udp,
            public_ips=settings.public_ips,
            max_seats=settings.max_seats,
            media=settings.media,
            metrics=metrics,
            on_heard=on_heard,
            ptime=settings.ptime,
        )
    except OSError as error:
        raise LocalError(_in_the_way("--udp", settings.udp, error)) from error
    media.start()
    if media.native is not None:
        os.nice(YIELD)  # of this thread alone, on Linux: the media thread has been started before
    return media


async def _open_gateway(
    settings: Settings,
    secrets: Secrets,
    metrics: Metrics,
    book: EventBook,
    media: MediaPlane,
    shards: ShardTable,
    stack: AsyncExitStack,
) -> str:
    """Serve HTTP; returns the URL a browser on this machine may open."""
    deps = GatewayDeps(
        book=book,
        shards=shards,
        control=LocalControl(media.relay, media.ingest, media.stage),
        secrets=GatewaySecrets(
            secrets.ticket_secret, secrets.ticket_key_id, secrets.session_secret, secrets.admin_token
        ),
        metrics=metrics,
        clock=clock,
        static_dir=settings.web_dir if settings.web_dir.is_dir() else None,
        settings=GatewaySettings(
            public_url=settings.public_url,
            ice_servers=settings.ice_servers,
            trust_forwarded=settings.proxy == "trusted",
            signalling_rate=settings.signalling_rate,
            signalling_burst=10 * settings.signalling_rate,
        ),
        drain=DrainSwitch(media.drain),
    )
    runner = GatewayRunner(make_app(deps))
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    tls = _tls_context(settings)
    host, port = settings.http
    site = web.TCPSite(runner, host, port, ssl_context=tls, backlog=BACKLOG)
    try:
        await site.start()
    except OSError as error:
        raise LocalError(_in_the_way("--http", settings.http, error)) from error
    bound = runner.addresses[0]
    return settings.public_url or _own_url(host, bound[1], tls is not None)


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


def _in_the_way(option: str, address: Address, error: OSError) -> str:
    reason = "is in use by another program" if error.errno == errno.EADDRINUSE else str(error.strerror)
    return f"{option} {address[0]}:{address[1]}: {reason}"

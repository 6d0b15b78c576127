"""A client of the Redis or Valkey that Sentinel calls the master now (Sentinel client guidelines)."""

from __future__ import annotations

import asyncio
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool
from redis.exceptions import RedisError

from stentor.core.store_url import SentinelUrl


def open_sentinel_client(url: SentinelUrl, **connection: Any) -> Redis:
    """A client that asks the Sentinels at each connect and leaves a master that has been demoted.

    `connection`: what `redis.asyncio.Redis` takes, for the servers and for the Sentinels (`socket_...`).
    """
    servers = connection | {"db": url.db, "username": url.username, "password": url.password}
    make: Any = _Sentinels  # redis-py leaves its constructors untyped
    client: Redis = make(url.sentinels, sentinel_kwargs=connection, **servers).master_for(
        url.name, connection_pool_class=_Pool
    )
    return client


class _Sentinels(Sentinel):
    """Asks all Sentinels at once: one on a dead machine costs nothing, where in turn it costs a timeout."""

    async def discover_master(self, service_name: str) -> tuple[str, int]:
        """Address of the master, from whichever Sentinel answers first. MasterNotFoundError."""
        questions = [asyncio.create_task(self._master_of(one, service_name)) for one in self.sentinels]
        try:
            for answer in asyncio.as_completed(questions):
                address = await answer
                if address is not None:
                    return address
        finally:
            for question in questions:
                question.cancel()
            await asyncio.gather(*questions, return_exceptions=True)
        raise MasterNotFoundError(f"no Sentinel names a master for {service_name!r}")

    async def _master_of(self, sentinel: Redis, service_name: str) -> tuple[str, int] | None:
        try:
            masters: Any = await sentinel.sentinel_masters()
        except (RedisError, OSError, TimeoutError):
            return None
        state = masters.get(service_name)
        if state is None or not self.check_master_state(state, service_name):
            return None
        return state["ip"], state["port"]


class _Pool(SentinelConnectionPool):
    """Closes what it was built on: nobody else holds the Sentinels."""

    async def aclose(self) -> None:
        """Close the connections to the master and to the Sentinels."""
        await super().aclose()
        await self.sentinel_manager.aclose()

"""Real stores for tests: the embedded one, or a redis-server process of the test's own."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

from stentor.cluster.client import open_client
from stentor.cluster.directory import Directory
from stentor.cluster.embedded import EmbeddedStore
from stentor.net import clock

PATIENCE = 1.0  # seconds: tests check behaviour on a shared machine, not the 50 ms of production


@contextlib.asynccontextmanager
async def embedded_store(state_dir: Path) -> AsyncIterator[str]:
    """URL of an embedded Valkey."""
    store = EmbeddedStore(engine="valkey")
    url = await store.start(state_dir)
    try:
        yield url
    finally:
        await store.stop()


@contextlib.asynccontextmanager
async def redis_server(state_dir: Path) -> AsyncIterator[str]:
    """URL of Debian's redis-server, started here on a socket in `state_dir`."""
    binary = shutil.which("redis-server")
    assert binary is not None, "redis-server is not installed: apt-get install redis-server"
    socket = state_dir / "redis.sock"
    process = subprocess.Popen(  # noqa: ASYNC220 (a start, as in the embedded store)
        [binary, "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(state_dir)],
        stdout=subprocess.DEVNULL,
    )
    try:
        client = open_client(f"unix://{socket}")
        for attempt in itertools.count():
            with contextlib.suppress(Exception):
                await client.ping()
                break
            assert process.poll() is None and attempt < 500, "redis-server did not start"
            await asyncio.sleep(0.02)
        await client.aclose()
        yield f"unix://{socket}"
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 5)


@contextlib.asynccontextmanager
async def directory_on(url: str) -> AsyncIterator[Directory]:
    """A directory on a running store."""
    directory = Directory(open_client(url), monotonic=clock.monotonic, read_timeout=PATIENCE)
    await directory.connect()
    try:
        yield directory
    finally:
        await directory.close()

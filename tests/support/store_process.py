"""Store processes that a test may kill, stop and bring back, and a slow road to one."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from stentor.cluster.client import open_client
from stentor.cluster.store import StoreUnavailableError
from stentor.cluster.store_engine import EngineName, find_engine

T = TypeVar("T")


class StoreProcess:
    """One server on a TCP port of 127.0.0.1. It keeps nothing on disk: killed, it comes back empty."""

    def __init__(self, directory: Path, port: int, *arguments: str, engine: EngineName = "redis") -> None:
        """`directory` is made; `arguments` go to the server after those that every test wants."""
        found = find_engine(engine)
        assert found is not None and found.binary is not None, f"{engine} is not installed"
        self.port = port
        self.url = f"redis://127.0.0.1:{port}/0"
        self._directory = directory
        self._command = [str(found.binary), *arguments]
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start and wait until it answers."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(  # noqa: ASYNC220 (a start takes milliseconds)
            self._command, cwd=self._directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        async with asyncio.timeout(10):
            while not await self._answers():
                assert self._process.poll() is None, f"{self._command[0]} ended while starting"
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """kill -9, and gone. Safe to call twice."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            await asyncio.to_thread(process.wait, 5)

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nobody answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    async def _answers(self) -> bool:
        client = open_client(self.url)
        try:
            return bool(await client.ping())
        except Exception:
            return False
        finally:
            await client.aclose()


def plain_store(directory: Path, port: int, *, engine: EngineName = "redis") -> StoreProcess:
    """A server by itself."""
    return StoreProcess(
        directory, port, "--port", str(port), "--save", "", "--bind", "127.0.0.1", engine=engine
    )


@contextlib.asynccontextmanager
async def running(store: StoreProcess) -> AsyncIterator[StoreProcess]:
    """Started, and killed at the end, if it still lives."""
    await store.start()
    try:
        yield store
    finally:
        await store.kill()


async def eventually(
    read: Callable[[], Awaitable[T]], wanted: Callable[[T], bool], *, within: float = 10.0
) -> T:
    """What `read` gives once it is as wanted; a store that is away is asked again."""
    value: T | None = None
    for _ in range(round(within / 0.05)):
        with contextlib.suppress(StoreUnavailableError):
            value = await read()
            if wanted(value):
                return value
        await asyncio.sleep(0.05)
    raise AssertionError(f"not within {within} s (last: {value!r})")


class SlowRoad:
    """A TCP proxy to a store; what the store says arrives `delay` seconds later."""

    def __init__(self, to_port: int) -> None:
        self.delay = 0.0
        """Seconds; may be changed at any time."""
        self.url = ""
        """Of the near end, once it is open."""
        self._to_port = to_port

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[SlowRoad]:
        """Listen until the end of the `async with`."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        try:
            far, there = await asyncio.open_connection("127.0.0.1", self._to_port)
        except OSError:
            back.close()
            return
        ways = [
            asyncio.create_task(self._carry(near, there)),
            asyncio.create_task(self._carry(far, back, True)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            for writer in (there, back):
                writer.close()

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, slow: bool = False
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if slow:
                    await asyncio.sleep(self.delay)
                writer.write(data)
                await writer.drain()

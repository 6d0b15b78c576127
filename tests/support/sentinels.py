"""A master, a replica and three Sentinels that fail over within a second or two."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from stentor.cluster.client import open_client
from stentor.cluster.store_engine import EngineName
from support.ports import free_tcp_port
from support.store_process import StoreProcess, eventually, plain_store

NAME = "stentor"
SENTINELS = 3
QUORUM = 2
DOWN_AFTER = 500  # ms without an answer until a Sentinel takes the master for dead
FAILOVER_TIMEOUT = 3000  # ms until a failover that got stuck is tried again


class SentinelSetup:
    """All the processes, each of which may be killed."""

    def __init__(self, directory: Path, engine: EngineName) -> None:
        """Starts nothing yet."""
        self._directory = directory
        self._engine: EngineName = engine
        self.master = plain_store(directory / "master", free_tcp_port(), engine=engine)
        port = free_tcp_port()
        arguments = ("--port", str(port), "--save", "", "--bind", "127.0.0.1")
        following = ("--replicaof", f"127.0.0.1 {self.master.port}", "--repl-diskless-sync-delay", "0")
        self.replica = StoreProcess(directory / "replica", port, *arguments, *following, engine=engine)
        self.sentinels = [self._sentinel(number) for number in range(SENTINELS)]
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        self.url = f"redis+sentinel://{hosts}/{NAME}"

    @property
    def processes(self) -> list[StoreProcess]:
        """Everybody, masters first."""
        return [self.master, self.replica, *self.sentinels]

    async def start(self) -> None:
        """Start all, and wait until the replica follows and the Sentinels know each other."""
        for process in self.processes:
            await process.start()
        for sentinel in self.sentinels:
            client = open_client(sentinel.url)

            async def state(client=client) -> tuple[int, int]:  # type: ignore[no-untyped-def]
                found = (await client.sentinel_masters())[NAME]
                return found["num-slaves"], found["num-other-sentinels"]

            await eventually(state, lambda found: found == (1, SENTINELS - 1), within=20.0)
            await client.aclose()
        client = open_client(self.replica.url)
        await eventually(
            lambda: client.info("replication"), lambda info: info["master_link_status"] == "up", within=20.0
        )
        await client.aclose()

    def _sentinel(self, number: int) -> StoreProcess:
        directory = self._directory / f"sentinel-{number}"
        directory.mkdir(parents=True)
        port = free_tcp_port()
        lines = (
            f"port {port}",
            "bind 127.0.0.1",
            f"sentinel monitor {NAME} 127.0.0.1 {self.master.port} {QUORUM}",
            f"sentinel down-after-milliseconds {NAME} {DOWN_AFTER}",
            f"sentinel failover-timeout {NAME} {FAILOVER_TIMEOUT}",
        )
        config = directory / "sentinel.conf"  # a Sentinel writes what it learns into its own configuration
        config.write_text("\n".join(lines) + "\n")
        return StoreProcess(directory, port, str(config), "--sentinel", engine=self._engine)


@contextlib.asynccontextmanager
async def sentinel_setup(directory: Path, engine: EngineName) -> AsyncIterator[SentinelSetup]:
    """Started, and every process killed at the end."""
    setup = SentinelSetup(directory, engine)
    try:
        await setup.start()
        yield setup
    finally:
        for process in setup.processes:
            await process.kill()

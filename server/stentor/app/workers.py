"""`--workers N`: gateway and stage in this process, N relays as processes of their own on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from stentor.app.cluster_process import running_in_cluster
from stentor.app.secrets import StateDir, workers_secret
from stentor.app.server import Server
from stentor.app.settings import Settings, as_environment
from stentor.app.start import open_directory
from stentor.cluster.client import MEMORY_SCHEME
from stentor.core.errors import LocalError
from stentor.net import clock
from stentor.telemetry.metrics import Metrics

LOOPBACK = "127.0.0.1"
AGAIN_AFTER = 1.0  # seconds until a worker that died is started again, doubled each time...
AGAIN_MOST = 30.0  # ...up to this; a worker that lived for so long begins anew
STOP_WITHIN = 5.0  # seconds until a worker that does not stop is killed
ASK_AGAIN_AFTER = 0.25  # seconds between two SIGTERM

_log = logging.getLogger(__name__)


@asynccontextmanager
async def running_workers(settings: Settings, metrics: Metrics) -> AsyncIterator[Server]:
    """Start the workers, then this process's part; on exit the opposite. Raises LocalError."""
    secrets = StateDir(settings.state_dir).secrets()
    async with AsyncExitStack() as stack:
        _, url, _ = await open_directory(settings, stack)
        if url.startswith(MEMORY_SCHEME):
            raise LocalError("workers: several processes need a store: install redis-server or set redis")
        cluster_secret = workers_secret(secrets)
        shared = replace(settings, redis=url, cluster=(LOOPBACK, 0), cluster_secret=cluster_secret, workers=1)
        front = replace(shared, roles=("gateway", "stage"))
        server = await stack.enter_async_context(running_in_cluster(front, metrics, secrets=secrets))
        for number in range(1, settings.workers + 1):
            worker = Worker(number, _of_worker(shared, number))
            worker.start()
            stack.push_async_callback(worker.stop)
        yield server


def _of_worker(settings: Settings, number: int) -> Settings:
    host, port = settings.udp
    return replace(
        settings,
        roles=("relay",),
        http=(LOOPBACK, 0),
        udp=(host, port + number if port else 0),
        state_dir=settings.state_dir / f"worker-{number}",
        first_event=None,
    )


class Worker:
    """One relay process, started again when it dies."""

    def __init__(self, number: int, settings: Settings) -> None:
        self._number = number
        self._settings = settings
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start it and look after it."""
        self._task = asyncio.get_running_loop().create_task(self._look_after(), name=f"worker {self._number}")

    async def stop(self) -> None:
        """End it: kindly, then not."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        process = self._process
        if process is None or process.returncode is not None:
            return
        # More than once: the first asks it to wait until its listeners have moved, and here nobody can.
        for _ in range(round(STOP_WITHIN / ASK_AGAIN_AFTER)):
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), ASK_AGAIN_AFTER)
                return
        _log.warning("worker %d does not stop: killed", self._number)
        process.kill()
        await process.wait()

    async def _look_after(self) -> None:
        pause = AGAIN_AFTER
        while True:
            began = clock.monotonic()
            status = await self._run()
            if clock.monotonic() - began > AGAIN_MOST:
                pause = AGAIN_AFTER
            _log.error("worker %d ended with %s; again in %.0f s", self._number, status, pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, AGAIN_MOST)

    async def _run(self) -> int:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "stentor.app.worker",
            str(os.getpid()),
            env=_clean(dict(os.environ)) | as_environment(self._settings),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in a terminal reaches us alone, and we tell them
        )
        return await self._process.wait()


def _clean(environment: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in environment.items() if not name.startswith("STENTOR_")}

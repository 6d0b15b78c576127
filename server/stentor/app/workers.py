"""`--workers N`: gateway and stage in this process, N relays as processes of their own on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from stentor.app.cluster_process import running_in_cluster
from stentor.app.secrets import StateDir
from stentor.app.server import Server
from stentor.app.settings import Settings, as_environment
from stentor.app.start import open_directory
from stentor.telemetry.metrics import Metrics

LOOPBACK = "127.0.0.1"
AGAIN_AFTER = 1.0  # seconds until a worker that died is started again, doubled each time...
AGAIN_MOST = 30.0  # ...up to this; a worker that lived for so long begins anew
STOP_WITHIN = 5.0  # seconds until a worker that does not stop is killed

_log = logging.getLogger(__name__)


@asynccontextmanager
async def running_workers(settings: Settings, metrics: Metrics) -> AsyncIterator[Server]:
    """Start the workers, then this process's part; on exit the opposite. Raises LocalError."""
    state = StateDir(settings.state_dir)
    secret = state.secrets().session_secret.hex()  # of this machine alone, and kept over restarts
    async with AsyncExitStack() as stack:
        _, url, _ = await open_directory(settings, stack)
        shared = replace(settings, redis=url, cluster=(LOOPBACK, 0), cluster_secret=secret, workers=1)
        front = replace(shared, roles=("gateway", "stage"))
        server = await stack.enter_async_context(running_in_cluster(front, metrics))
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
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
            process.send_signal(signal.SIGTERM)  # twice: the whole machine stops, nobody can move anywhere
        try:
            await asyncio.wait_for(process.wait(), STOP_WITHIN)
        except TimeoutError:
            _log.warning("worker %d does not stop: killed", self._number)
            process.kill()
            await process.wait()

    async def _look_after(self) -> None:
        pause, loop = AGAIN_AFTER, asyncio.get_running_loop()
        while True:
            began = loop.time()
            status = await self._run()
            if loop.time() - began > AGAIN_MOST:
                pause = AGAIN_AFTER
            _log.error("worker %d ended with %s; again in %.0f s", self._number, status, pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, AGAIN_MOST)

    async def _run(self) -> int:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "stentor",
            "serve",
            env=_clean(dict(os.environ)) | as_environment(self._settings),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in a terminal reaches us alone, and we tell them
        )
        return await self._process.wait()


def _clean(environment: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in environment.items() if not name.startswith("STENTOR_")}

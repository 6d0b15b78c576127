"""Runs the listeners of one load test in one asyncio process."""

from __future__ import annotations

import asyncio
import resource
import time
from urllib.parse import urlsplit

import aiohttp

from stentor_loadtest.errors import JoinError
from stentor_loadtest.listener.listener import Listener
from stentor_loadtest.listener.state import State
from stentor_loadtest.listener.whep import WhepClient
from stentor_loadtest.run.cpu import usage_of
from stentor_loadtest.run.loop_lag import LoopLag
from stentor_loadtest.run.progress import show
from stentor_loadtest.run.result import OnProgress, RunResult
from stentor_loadtest.run.settings import RunSettings
from stentor_loadtest.wire.dtls import DtlsIdentity

__all__ = ["OnProgress", "RunResult", "run"]

LEAVERS = 20  # sessions ended at the same time


async def run(settings: RunSettings, *, on_progress: OnProgress | None = None) -> RunResult:
    """Join everybody at the wanted rate, listen, say goodbye. Failures are counted, never raised."""
    _raise_file_limit(settings.listeners)
    result = RunResult(settings)
    lag = LoopLag()
    result.loop_lag = lag.histogram
    watchers = [asyncio.create_task(lag.watch())]
    if on_progress is not None:
        watchers.append(asyncio.create_task(show(result, on_progress)))
    started, cpu = time.monotonic(), time.process_time()
    result.server_before = usage_of(settings.server_pid)
    connector = aiohttp.TCPConnector(limit=100)
    timeout = aiohttp.ClientTimeout(total=settings.join_timeout)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
        listeners: list[Listener] = []
        result.listeners = listeners
        await _listen(result, listeners, WhepClient(http, f"{settings.target}/whep/{settings.event}"))
        result.server_after = usage_of(settings.server_pid)
        result.ended_at = time.time()
        ports = [listener.port for listener in listeners if listener.port is not None]
        result.client_dropped = sum(port.dropped for port in ports)
        result.wall_seconds = time.monotonic() - started
        result.client_cpu_seconds = time.process_time() - cpu
        for watcher in watchers:
            watcher.cancel()
        await _leave(listeners)
    return result


async def _listen(result: RunResult, listeners: list[Listener], whep: WhepClient) -> None:
    settings, identity = result.settings, DtlsIdentity()
    prefer = urlsplit(settings.target).hostname
    began = time.monotonic()
    joins = []
    for index in range(settings.listeners):
        listener = Listener(
            whep,
            identity,
            result.lateness,
            host=settings.source(index),
            prefer=prefer,
            verify_every=settings.verify_every,
        )
        listeners.append(listener)
        joins.append(asyncio.create_task(_join(result, listener, began)))
        await asyncio.sleep(max(0.0, began + (index + 1) / settings.rate - time.monotonic()))
    await asyncio.sleep(settings.seconds)
    await asyncio.gather(*joins)


async def _join(result: RunResult, listener: Listener, began: float) -> None:
    try:
        await listener.join(timeout=result.settings.join_timeout)
        result.joining_seconds = time.monotonic() - began
    except JoinError as error:
        result.failures[error.reason] += 1


async def _leave(listeners: list[Listener]) -> None:
    gate = asyncio.Semaphore(LEAVERS)

    async def one(listener: Listener) -> None:
        async with gate:
            await listener.leave()

    stayed = [listener for listener in listeners if listener.state is State.LISTENING]
    await asyncio.gather(*(one(listener) for listener in stayed))


def _raise_file_limit(listeners: int) -> None:
    """One socket per listener, and some for HTTP."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = listeners + 500
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))

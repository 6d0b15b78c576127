"""Runs a load test on the swarm engine."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from functools import partial
from ipaddress import IPv4Address
from urllib.parse import urlsplit

from stentor_loadtest.errors import UsageError
from stentor_loadtest.run.cpu import usage_of
from stentor_loadtest.run.loop_lag import LoopLag
from stentor_loadtest.run.progress import show
from stentor_loadtest.run.result import OnProgress, RunResult
from stentor_loadtest.run.settings import RunSettings
from stentor_loadtest.swarm.crowd import Crowd
from stentor_loadtest.swarm.signalling import WhepSignalling

LOOPBACK = ipaddress.IPv4Network("127.1.0.0/16")


async def run_swarm(settings: RunSettings, *, on_progress: OnProgress | None = None) -> RunResult:
    """Join everybody, listen, say goodbye. Failures are counted; UsageError when the settings do not fit."""
    result = RunResult(settings)
    lag = LoopLag()
    result.loop_lag = lag.histogram
    crowd = Crowd(
        settings.listeners,
        partial(WhepSignalling, settings.target, settings.event),
        first_address=first_address(settings),
        verify_every=settings.verify_every,
        prefer=urlsplit(settings.target).hostname,
        join_timeout=settings.join_timeout,
    )
    result.listeners = crowd.members
    result.failures = crowd.failures
    watchers = [asyncio.create_task(lag.watch())]
    if on_progress is not None:
        watchers.append(asyncio.create_task(show(result, partial(_refreshed, crowd, on_progress))))
    started, cpu = time.monotonic(), time.process_time()
    result.server_before = usage_of(settings.server_pid)
    crowd.open()
    try:
        await crowd.join(
            settings.listeners, rate=None if settings.at_once else settings.rate, at_once=settings.at_once
        )
        result.joining_client_cpu = time.process_time() - cpu
        joined = usage_of(settings.server_pid)
        if joined is not None and result.server_before is not None:
            result.joining_server_cpu = joined.cpu_seconds - result.server_before.cpu_seconds
        await asyncio.sleep(settings.seconds)
        result.server_after = usage_of(settings.server_pid)
        result.wall_seconds = time.monotonic() - started
        result.client_cpu_seconds = time.process_time() - cpu
        _conclude(result, crowd)
        await crowd.leave()
    finally:
        for watcher in watchers:
            watcher.cancel()
        await crowd.close()
    return result


def first_address(settings: RunSettings) -> IPv4Address | None:
    """Where the listeners' addresses begin, or None for a socket each."""
    network = settings.source_network
    if network is None:
        host = urlsplit(settings.target).hostname or ""
        if not (host == "localhost" or host.startswith("127.")):
            return None
        network = LOOPBACK
    if settings.listeners > network.num_addresses - 2:
        raise UsageError(f"--source-network: {network} has fewer than {settings.listeners} addresses")
    return network[1]


def _conclude(result: RunResult, crowd: Crowd) -> None:
    result.ended_at = time.time()
    crowd.freeze()
    result.joining_seconds = crowd.joining_seconds
    result.lateness = crowd.swarm.lateness()
    result.common_lateness = crowd.swarm.lateness(common=True)
    totals = crowd.swarm.totals()
    result.client_dropped = totals.kernel_drops + totals.notices_lost
    heard = [member.reception for member in crowd.members]
    result.consent_missed = sum(max(0, one.consent_sent - one.consent_answered - 1) for one in heard)


def _refreshed(crowd: Crowd, on_progress: OnProgress, result: RunResult) -> None:
    result.lateness = crowd.swarm.lateness()
    on_progress(result)

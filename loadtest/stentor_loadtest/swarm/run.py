"""Runs a load test on the swarm engine."""

from __future__ import annotations

import asyncio
import ipaddress
import signal
import time
from functools import partial
from ipaddress import IPv4Address
from urllib.parse import urlsplit

from stentor_loadtest.errors import UsageError
from stentor_loadtest.listener.state import State
from stentor_loadtest.run.cpu import usage_of
from stentor_loadtest.run.loop_lag import LoopLag
from stentor_loadtest.run.progress import show
from stentor_loadtest.run.result import OnProgress, RunResult
from stentor_loadtest.run.settings import RunSettings
from stentor_loadtest.swarm.crowd import Crowd
from stentor_loadtest.swarm.diary import Diary
from stentor_loadtest.swarm.mover import Mover
from stentor_loadtest.swarm.record import record_of, returns_of
from stentor_loadtest.swarm.recovery import Recovery
from stentor_loadtest.swarm.whep import WhepSignalling

LOOPBACK = ipaddress.IPv4Network("127.1.0.0/16")


async def run_swarm(settings: RunSettings, *, on_progress: OnProgress | None = None) -> RunResult:
    """Join everybody, listen, say goodbye. Failures are counted; UsageError when the settings do not fit.

    SIGTERM ends the listening early; the result is complete.
    """
    result = RunResult(settings)
    lag = LoopLag()
    result.loop_lag = lag.histogram
    whep: list[WhepSignalling] = []
    crowd = Crowd(
        settings.listeners,
        partial(_whep, settings, whep),
        first_address=first_address(settings),
        verify_every=settings.verify_every,
        prefer=None if settings.gateways else urlsplit(settings.target).hostname,
        join_timeout=settings.join_timeout,
        spare=settings.spare,
    )
    result.listeners = crowd.members
    result.failures = crowd.failures
    watchers = [asyncio.create_task(lag.watch())]
    if on_progress is not None:
        watchers.append(asyncio.create_task(show(result, partial(_refreshed, crowd, on_progress))))
    if settings.diary is not None:
        watchers.append(asyncio.create_task(Diary(settings.diary, crowd.swarm, crowd.members).keep()))
    helpers = _helpers(crowd, whep[0], settings.poll) if settings.recover else ()
    crowd.open()
    for helper in helpers:
        helper.start()
    try:
        await _listen(result, crowd)
        for helper in helpers:
            await helper.stop()
        _conclude(result, crowd)
        await crowd.leave()
    finally:
        for watcher in watchers:
            watcher.cancel()
        await crowd.close()
    return result


def _whep(settings: RunSettings, made: list[WhepSignalling], fingerprint: str) -> WhepSignalling:
    made.append(WhepSignalling(settings.gateways or settings.target, settings.event, fingerprint))
    return made[-1]


def _helpers(crowd: Crowd, whep: WhepSignalling, poll: float) -> tuple[Recovery, Mover]:
    return (
        Recovery(crowd.swarm, crowd.entrance, crowd.members),
        Mover(crowd.entrance, crowd.members, whep.status, poll=poll),
    )


async def _listen(result: RunResult, crowd: Crowd) -> None:
    """From the first join to the end of the listening."""
    settings, enough, loop = result.settings, asyncio.Event(), asyncio.get_running_loop()
    started, cpu = time.monotonic(), time.process_time()
    result.server_before = usage_of(settings.server_pid)
    loop.add_signal_handler(signal.SIGTERM, enough.set)
    stopped = asyncio.create_task(enough.wait())
    try:
        rate = None if settings.at_once else settings.rate
        joining = asyncio.create_task(crowd.join(settings.listeners, rate=rate, at_once=settings.at_once))
        await asyncio.wait({joining, stopped}, return_when=asyncio.FIRST_COMPLETED)
        result.joining_client_cpu = time.process_time() - cpu
        joined = usage_of(settings.server_pid)
        if joined is not None and result.server_before is not None:
            result.joining_server_cpu = joined.cpu_seconds - result.server_before.cpu_seconds
        if not joining.done():
            joining.cancel()
        await asyncio.wait({stopped}, timeout=settings.seconds)
        await asyncio.gather(joining, return_exceptions=stopped.done())
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
        stopped.cancel()
    result.server_after = usage_of(settings.server_pid)
    result.wall_seconds = time.monotonic() - started
    result.client_cpu_seconds = time.process_time() - cpu


def first_address(settings: RunSettings) -> IPv4Address | None:
    """Where the listeners' addresses begin, or None for a socket each."""
    network = settings.source_network
    if network is None:
        host = urlsplit(settings.target).hostname or ""
        if not (host == "localhost" or host.startswith("127.")):
            return None
        network = LOOPBACK
    if settings.listeners + settings.spare > network.num_addresses - 2:
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
    stayed = [
        session.reception
        for member in crowd.members
        for session in member.sessions
        if session.state is State.LISTENING
    ]
    result.consent_missed = sum(max(0, one.consent_sent - one.consent_answered - 1) for one in stayed)
    result.each = [record_of(member, ended_at=result.ended_at) for member in crowd.members]
    if result.settings.recover:
        result.returns = returns_of(crowd.members)


def _refreshed(crowd: Crowd, on_progress: OnProgress, result: RunResult) -> None:
    result.lateness = crowd.swarm.lateness()
    on_progress(result)

"""Which parts a process is made of: the only place where that is decided."""

from __future__ import annotations

import platform
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from stentor import __version__
from stentor.app.alone import running_alone
from stentor.app.cluster_process import running_in_cluster
from stentor.app.server import Server
from stentor.app.settings import Settings
from stentor.app.start import allow_open_files
from stentor.app.workers import running_workers
from stentor.telemetry.metrics import Metrics


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Server]:
    """Start everything in order; on exit stop it in the opposite order.

    Raises LocalError when a port is taken, the state directory cannot be used or the store does not answer.
    """
    allow_open_files()
    metrics = Metrics(CollectorRegistry())
    metrics.built(version=__version__, python=platform.python_version())
    if settings.workers > 1:
        parts = running_workers(settings, metrics)
    elif settings.cluster is not None:
        parts = running_in_cluster(settings, metrics)
    else:
        parts = running_alone(settings, metrics)
    async with parts as server:
        yield server

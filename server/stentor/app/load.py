"""Builds the keeper of a relay's load."""

from __future__ import annotations

from stentor.app.media_base import MediaBase
from stentor.core.admission.laws import Laws
from stentor.relay.load_keeper import LoadKeeper
from stentor.relay.machine import usable_cores
from stentor.relay.shard import RelayShard
from stentor.telemetry.metrics import Metrics


def keeper_of(relay: RelayShard, base: MediaBase, laws: Laws, metrics: Metrics) -> LoadKeeper:
    """Reads the native core where there is one. `start` it after the relay, `stop` it before."""
    if base.native is None:
        return LoadKeeper(relay, laws, metrics, cores=usable_cores())
    keeper = LoadKeeper(relay, laws, metrics, cores=usable_cores(), read=base.native.load)
    base.native.gate = keeper
    native = base.native
    relay.waiting = lambda: native.waiting
    return keeper

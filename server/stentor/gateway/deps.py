"""What the gateway is given: everything it uses and does not make itself."""

from __future__ import annotations

import secrets as system_random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from stentor.cluster.event_book import EventBook
from stentor.core.config import IceServer
from stentor.core.links import ShardControl
from stentor.gateway.drain import DrainSwitch
from stentor.gateway.shard_table import ShardTable
from stentor.telemetry.metrics import Metrics


class Clock(Protocol):
    """`stentor.net.clock`, or a test's."""

    def monotonic(self) -> float:
        """Seconds that only move forward."""

    def wall(self) -> float:
        """Seconds since 1970."""


@dataclass(frozen=True, slots=True)
class GatewaySecrets:
    """Shared by all gateways of a cluster and kept over restarts."""

    ticket_secret: bytes
    """Signs tickets."""
    ticket_key_id: int
    """Which ticket secret that is, 0 to 255."""
    session_secret: bytes
    """Signs session URLs and ETags."""
    admin_token: str
    """Bearer token of the administration endpoints."""


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """What an operator may choose."""

    public_url: str | None = None
    """Start of every link given out; None: what the request came to."""
    ice_servers: tuple[IceServer, ...] = ()
    """STUN and TURN servers that clients are told of."""
    trust_forwarded: bool = False
    """Whether a proxy in front sets X-Forwarded-For and X-Forwarded-Proto."""
    signalling_rate: float = 500.0
    """WHIP and WHEP requests per second and address. Whole cities sit behind one address."""
    signalling_burst: int = 5000
    """How many of them at once: a large hall opens the page in the same second."""
    creation_rate: float = 5.0
    """Events created, and ended, per second and address."""
    creation_burst: int = 200
    """How many of them at once."""
    body_timeout: float = 10.0
    """Seconds a client has to send a body of at most 64 KiB."""


@dataclass(frozen=True, slots=True)
class GatewayDeps:
    """Built by `app/roles`, handed to `server.make_app`."""

    book: EventBook
    """The events."""
    shards: ShardTable
    """Where seats are."""
    control: ShardControl
    """Who ends sessions and counts listeners."""
    secrets: GatewaySecrets
    """Keys."""
    metrics: Metrics
    """Where to count."""
    clock: Clock
    """The time."""
    static_dir: Path | None
    """The built web client, or None when there is none."""
    settings: GatewaySettings = field(default_factory=GatewaySettings)
    """The operator's choices."""
    drain: DrainSwitch = field(default_factory=DrainSwitch)
    """Whether newcomers are still taken."""
    random_bytes: Callable[[int], bytes] = system_random.token_bytes
    """Unpredictable bytes: ids, keys, tickets."""

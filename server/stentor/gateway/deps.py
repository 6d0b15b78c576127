"""What the gateway is given: everything it uses and does not make itself."""

from __future__ import annotations

import secrets as system_random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from stentor.cluster.event_book import EventBook
from stentor.core.config import IceServer
from stentor.core.links import ShardControl, ShardRecord
from stentor.gateway.drain import DrainSwitch
from stentor.gateway.line_desk import LineDesk
from stentor.gateway.line_leader import LineLeader
from stentor.gateway.line_notes import Alone, LineLink
from stentor.gateway.shard_table import ShardTable
from stentor.gateway.status_source import StatusSource
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
    head_timeout: float = 10.0
    """Seconds from the first byte of a request until its head is there; also for a TLS handshake."""
    idle_timeout: float = 30.0
    """Seconds a connection may be without a request; a page that polls comes back well before."""
    max_connections: int = 20_000
    """Connections at the same time: about 40 kB each, so 0.8 GB at worst. Open files bound it further."""
    connections_per_network: int = 10_000
    """Of them from one network: a stadium behind one address is not an attack, half of all places is."""
    accept_rate: float = 3_000.0
    """New connections per second: a core takes about 5,000, and seated listeners need its other half."""
    accept_burst: int = 12_000
    """New connections at once: 10,000 people open the page when it starts, not within its first second."""


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
    desk: LineDesk = field(default_factory=LineDesk)
    """Who may take a seat and who waits."""
    leader: LineLeader = field(default_factory=LineLeader)
    """Moves the lines while this gateway leads."""
    link: LineLink = field(default_factory=Alone)
    """How the lines of several gateways are joined."""
    status: StatusSource = field(default_factory=StatusSource)
    """What else every page is told."""
    gateways: Callable[[], Sequence[str]] = tuple
    """Names of the other gateways that are heard."""
    pick_stage: Callable[[str], ShardRecord | None] | None = None
    """Where a publisher of the event with this id goes; None: to any ingest port with room."""
    random_bytes: Callable[[int], bytes] = system_random.token_bytes
    """Unpredictable bytes: ids, keys, tickets."""

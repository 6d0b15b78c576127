"""One node of a cluster: an id, a cluster port, the mesh on it, and what the node knows of the others."""

from __future__ import annotations

import ipaddress
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from stentor.cluster.directory import Directory
from stentor.cluster.event_book import EventBook
from stentor.cluster.node_book import NodeBook
from stentor.core.links import Duty, Heartbeat, ShardRecord
from stentor.core.mesh.envelope import NODE_BYTES, Sender, control_key
from stentor.core.mesh.messages import GatewayBeat, heartbeats_of
from stentor.core.outputs import Address
from stentor.core.store_url import SENTINEL_SCHEME, parse_sentinel_url
from stentor.core.topology.relay_tree import TreeNode
from stentor.net import clock
from stentor.net.local_addresses import address_towards
from stentor.net.mesh_port import MeshPort, Neighbours
from stentor.telemetry.metrics import Metrics

HEARD_FOR = 3.5  # seconds without a beat until a gateway has no share of the seats any more

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Membership:
    """What all nodes of one process share."""

    secret: bytes
    """Of the cluster."""
    directory: Directory
    book: EventBook
    nodes: NodeBook
    metrics: Metrics
    neighbours: Neighbours = field(default_factory=dict)
    """Their ends of the mesh."""


def new_node_id() -> bytes:
    """8 random bytes: a node that starts again is another one."""
    return secrets.token_bytes(NODE_BYTES)


def open_mesh(
    node: bytes, member: Membership, send: Callable[[bytes, Address], object], *, link: Address
) -> MeshPort:
    """The node's end of the mesh over its cluster port, which others reach at `link`."""
    dropped = member.metrics.datagrams_dropped
    return MeshPort(
        node,
        control_key(member.secret),
        send,
        link=link,
        neighbours=member.neighbours,
        on_drop=lambda reason: dropped.labels(reason=f"mesh {reason}").inc(),
    )


def advertised(bound: Address, store_url: str) -> Address:
    """Where others reach a cluster port: where it is bound, or the address that faces the store."""
    host, port = bound
    ip = ipaddress.ip_address(host)
    if not ip.is_unspecified:
        return bound
    if store_url.startswith(SENTINEL_SCHEME):
        store: str | None = parse_sentinel_url(store_url).sentinels[0][0]
    else:
        store = urlsplit(store_url).hostname
    found = address_towards(store, ipv6=ip.version == 6) if store else None
    return (found or ("::1" if ip.version == 6 else "127.0.0.1"), port)


class GatewaysHeard:
    """Who among the gateways beats, so that a shard divides its seats among the living."""

    def __init__(self, mesh: MeshPort, nodes: NodeBook) -> None:
        self._mesh = mesh
        self._nodes = nodes
        self._heard: dict[bytes, tuple[float, Address]] = {}
        self.on_beat: Callable[[GatewayBeat, Sender], None] = lambda beat, sender: None
        """Called with each beat."""
        mesh.on(GatewayBeat, self._on_beat)

    def living(self, now: float) -> dict[bytes, Address]:
        """Link by node."""
        for node in [node for node, (at, _) in self._heard.items() if now - at > HEARD_FOR]:
            del self._heard[node]
        return {node: link for node, (_, link) in sorted(self._heard.items())}

    def tell_all(self, heartbeats: dict[bytes, Heartbeat], duty: Duty, now: float) -> None:
        """Send each living gateway its own heartbeat."""
        living = self.living(now)
        for node, beat in heartbeats.items():
            if node in living:
                for message in heartbeats_of(beat, duty):
                    self._mesh.tell(message, living[node])

    def _on_beat(self, beat: GatewayBeat, sender: Sender) -> None:
        self._heard[sender.node] = (clock.monotonic(), sender.address)
        self.on_beat(beat, sender)


def relays_of(nodes: NodeBook) -> list[TreeNode]:
    """The relays of the directory as nodes of the trunk's tree."""
    return [TreeNode(record.node, record.link) for record in shards_of(nodes, "relay") if record.link]


def shards_of(nodes: NodeBook, duty: Duty) -> list[ShardRecord]:
    """The shards of one duty that others can reach."""
    return [record for record in nodes.shards if record.duty == duty and record.link is not None]

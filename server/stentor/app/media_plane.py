"""Builds and joins what carries audio in one process: ingest, stage and relay behind one UDP port."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from stentor.core.links import Duty, FrameSink, ShardRecord
from stentor.core.outputs import Address
from stentor.core.webrtc.address_book import AddressBook
from stentor.core.webrtc.dtls import DtlsIdentity
from stentor.core.webrtc.peer_table import PeerTable, TableConfig
from stentor.ingest.ingest import Ingest
from stentor.net import clock
from stentor.net.certificate import new_identity
from stentor.net.fanout import PythonFanout
from stentor.net.local_addresses import candidates
from stentor.net.port_router import PortRouter
from stentor.net.table_shell import TableShell
from stentor.net.udp_endpoint import UdpEndpoint
from stentor.relay.shard import RelayShard
from stentor.stage.stage import Stage
from stentor.telemetry.metrics import Metrics

RELAY_SHARD = 1  # one of each in a process of its own; a cluster will hand out numbers
INGEST_SHARD = 2
MAX_PUBLISHERS = 256  # sessions: events are few, and each keeps one publisher


@dataclass(frozen=True, slots=True)
class MediaPlane:
    """Everything behind the UDP port."""

    endpoint: UdpEndpoint
    router: PortRouter
    relay: RelayShard
    ingest: Ingest
    stage: Stage

    def start(self) -> None:
        """Begin the periodic work."""
        self.relay.start()
        self.ingest.start()

    def drain(self) -> None:
        """Take nobody new; whoever is here stays."""
        self.relay.draining = True
        self.ingest.draining = True

    async def stop(self) -> None:
        """Say goodbye to every peer and let the port go."""
        await self.ingest.stop()
        self.stage.stop()
        await self.relay.stop()
        self.relay.shell.stop()
        self.ingest.shell.stop()
        self.endpoint.close()


def build_media_plane(
    udp: Address,
    *,
    public_ips: tuple[str, ...],
    max_seats: int,
    metrics: Metrics,
    on_heard: Callable[[bytes], None],
) -> MediaPlane:
    """Bind the port and join the roles. Raises OSError when the port is taken.

    `on_heard(event key)` is called whenever a publisher is heard after it was not.
    """
    identity = new_identity(unix_time=clock.wall())
    sinks: list[FrameSink] = []
    stage = Stage(sinks, on_heard=on_heard)
    router = PortRouter()
    endpoint = UdpEndpoint.open(udp, router.on_datagram, router.on_kernel_drops)
    reachable = candidates(endpoint.address, public_ips)
    seats = _record(RELAY_SHARD, "relay", identity, reachable)
    doors = _record(INGEST_SHARD, "ingest", identity, reachable)
    addresses = AddressBook()  # of both: a listener cannot take a publisher's
    relay_shell = _shell(seats, identity, max_seats, endpoint, addresses)
    ingest_shell = _shell(doors, identity, MAX_PUBLISHERS, endpoint, addresses)
    router.connect([relay_shell, ingest_shell])
    relay = RelayShard(seats, relay_shell, PythonFanout(relay_shell.send), stage, metrics)
    sinks.append(relay)
    return MediaPlane(endpoint, router, relay, Ingest(doors, ingest_shell, stage), stage)


def _record(shard: int, duty: Duty, identity: DtlsIdentity, reachable: tuple[Address, ...]) -> ShardRecord:
    return ShardRecord(
        shard=shard,
        duty=duty,
        key_id=secrets.randbelow(256),
        secret=secrets.token_bytes(32),
        fingerprint=identity.fingerprint,
        candidates=reachable,
    )


def _shell(
    record: ShardRecord,
    identity: DtlsIdentity,
    max_peers: int,
    endpoint: UdpEndpoint,
    addresses: AddressBook,
) -> TableShell:
    config = TableConfig(
        shard=record.shard,
        key_id=record.key_id,
        secret=record.secret,
        identity=identity,
        max_peers=max_peers,
    )
    table = PeerTable(config, now=clock.monotonic(), addresses=addresses)
    return TableShell(record.shard, table, endpoint)

"""Builds and joins what carries audio in one process: ingest, stage and relay behind one UDP port."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from stentor.core.links import Duty, FrameSink, ShardRecord
from stentor.core.outputs import Address
from stentor.core.webrtc.address_book import AddressBook
from stentor.core.webrtc.dtls import DtlsIdentity
from stentor.core.webrtc.peer_table import PeerTable, TableConfig
from stentor.ingest.ingest import Ingest
from stentor.net import clock
from stentor.net.certificate import new_identity
from stentor.net.fanout import Fanout, PythonFanout
from stentor.net.local_addresses import candidates
from stentor.net.native_core import CoreConfig, NativeCore
from stentor.net.native_fanout import NativeFanout
from stentor.net.native_port import NativePort
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
    native: NativePort | None = None
    """The media core's port; None when Python sends and receives."""

    def start(self) -> None:
        """Begin the periodic work."""
        if self.native is not None:
            self.endpoint.stop_reading()
            self.native.start()
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
        if self.native is not None:
            self.native.stop()
        self.endpoint.close()


def build_media_plane(
    udp: Address,
    *,
    public_ips: tuple[str, ...],
    max_seats: int,
    metrics: Metrics,
    on_heard: Callable[[bytes], None],
    media: Literal["native", "python"] = "python",
    ptime: int = 20,
) -> MediaPlane:
    """Bind the port and join the roles. Raises OSError when the port is taken.

    `on_heard(event key)` is called whenever a publisher is heard after it was not. `media`: "native" for the
    native core, "python" for its readable twin.
    """
    identity = new_identity(unix_time=clock.wall())
    sinks: list[FrameSink] = []
    stage = Stage(sinks, on_heard=on_heard)
    router = PortRouter()
    endpoint = UdpEndpoint.open(udp, router.on_datagram, router.on_kernel_drops)
    reachable = candidates(endpoint.address, public_ips)
    seats = _record(RELAY_SHARD, "relay", identity, reachable)
    doors = _record(INGEST_SHARD, "ingest", identity, reachable)
    core = _core(seats, doors, endpoint) if media == "native" else None
    addresses = AddressBook(None if core is None else core.allow)  # of both: no taking from each other
    relay_shell = _shell(seats, identity, max_seats, endpoint, addresses)
    ingest_shell = _shell(doors, identity, MAX_PUBLISHERS, endpoint, addresses)
    router.connect([relay_shell, ingest_shell])
    native: NativePort | None = None
    fanout: Fanout = PythonFanout(relay_shell.send)
    if core is not None:
        fanout = NativeFanout(core, monotonic=clock.monotonic)
        native = NativePort(fanout, router, relay_shell)
    relay = RelayShard(seats, relay_shell, fanout, stage, metrics)
    relay.set_ptime(ptime)
    sinks.append(relay)
    return MediaPlane(endpoint, router, relay, Ingest(doors, ingest_shell, stage), stage, native)


def _core(seats: ShardRecord, doors: ShardRecord, endpoint: UdpEndpoint) -> NativeCore:
    config = CoreConfig(seats.shard, seats.key_id, seats.secret, local_shards=(doors.shard,))
    return NativeCore(config, fd=endpoint.fileno, ipv6=endpoint.ipv6)


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

"""A bound UDP port with the session tables and the media core behind it; roles are put on top of it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Literal

from stentor.core.links import NO_NODE, Duty, ShardRecord
from stentor.core.outputs import Address
from stentor.core.webrtc.address_book import AddressBook
from stentor.core.webrtc.dtls import DtlsIdentity
from stentor.core.webrtc.peer_table import PeerTable
from stentor.core.webrtc.table_config import TableConfig
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

MAX_PUBLISHERS = 256  # sessions: events are few, and each keeps one publisher
Media = Literal["native", "python"]


@dataclass(frozen=True, slots=True)
class Door:
    """One duty on a port: who it is to clients, and its sessions."""

    record: ShardRecord
    shell: TableShell


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the doors of a port are in the cluster."""

    node: bytes = NO_NODE
    """Of the process part that has the port."""
    link: Address | None = None
    """Where other nodes reach it."""


@dataclass(frozen=True, slots=True)
class MediaBase:
    """`start` it once the roles are joined, `stop` it after them."""

    endpoint: UdpEndpoint
    router: PortRouter
    doors: dict[Duty, Door]
    fanout: Fanout
    """Of the relay door."""
    core: NativeCore | None
    """None when Python sends and receives."""
    native: NativePort | None

    def start(self) -> None:
        """Begin to receive."""
        if self.native is not None:
            self.endpoint.stop_reading()
            self.native.start()

    def stop(self) -> None:
        """Let the port go."""
        for door in self.doors.values():
            door.shell.stop()
        if self.native is not None:
            self.native.stop()
        self.endpoint.close()


def open_media(
    udp: Address,
    *,
    seats: dict[Duty, int],
    public_ips: tuple[str, ...],
    media: Media,
    identity: Identity,
    trunk: UdpEndpoint | None = None,
) -> MediaBase:
    """Bind the port. Raises OSError when it is taken.

    `seats`: which duties, and how many sessions each may have. `media`: "native" for the native core where
    listeners are seated, "python" for its readable twin. `trunk`: the socket between nodes, which the native
    core then reads too.
    """
    certificate = new_identity(unix_time=clock.wall())
    router = PortRouter()
    endpoint = UdpEndpoint.open(udp, router.on_datagram, router.on_kernel_drops)
    reachable = candidates(endpoint.address, public_ips)
    records = {duty: _record(duty, certificate, reachable, identity) for duty in seats}
    core = _core(records, endpoint, trunk) if media == "native" and "relay" in seats else None
    addresses = AddressBook(None if core is None else core.allow)  # of all doors: no taking from each other
    doors = {
        duty: Door(record, _shell(record, certificate, seats[duty], endpoint, addresses))
        for duty, record in records.items()
    }
    router.connect([door.shell for door in doors.values()])
    if core is None:
        send = next(iter(doors.values())).shell.send
        return MediaBase(endpoint, router, doors, PythonFanout(send), None, None)
    fanout = NativeFanout(core, monotonic=clock.monotonic)
    native = NativePort(fanout, router, doors["relay"].shell)
    return MediaBase(endpoint, router, doors, fanout, core, native)


def _core(records: dict[Duty, ShardRecord], endpoint: UdpEndpoint, trunk: UdpEndpoint | None) -> NativeCore:
    seats = records["relay"]
    others = tuple(record.shard for duty, record in records.items() if duty != "relay")
    config = CoreConfig(seats.shard, seats.key_id, seats.secret, local_shards=others)
    if trunk is None:
        return NativeCore(config, fd=endpoint.fileno, ipv6=endpoint.ipv6)
    return NativeCore(
        config, fd=endpoint.fileno, ipv6=endpoint.ipv6, trunk_fd=trunk.fileno, trunk_ipv6=trunk.ipv6
    )


def _record(
    duty: Duty, certificate: DtlsIdentity, reachable: tuple[Address, ...], identity: Identity
) -> ShardRecord:
    return ShardRecord(
        shard=1 + secrets.randbelow((1 << 32) - 1),
        duty=duty,
        key_id=secrets.randbelow(256),
        secret=secrets.token_bytes(32),
        fingerprint=certificate.fingerprint,
        candidates=reachable,
        node=identity.node,
        link=identity.link,
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

"""Lets several session tables share one UDP port: all roles in one process need one hole in a firewall.

The tables share one address book too (`addresses` of `PeerTable`): a session of one may not take the
address of a session of another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from stentor.core.errors import RemoteError
from stentor.core.outputs import Address
from stentor.core.webrtc.capsule import peek_shard
from stentor.core.webrtc.demux import Kind, classify
from stentor.core.webrtc.stun import parse_stun


class MediaPort(Protocol):
    """One session table behind a port."""

    shard: int

    def owns(self, address: Address) -> bool:
        """Whether one of its sessions lives at `address`."""

    def receive_datagram(self, data: bytes, address: Address, source: str | None) -> None:
        """Take a datagram."""

    def hold_consent(self) -> None:
        """The kernel dropped datagrams."""


class PortRouter:
    """STUN goes by the shard number in its capsule, the rest by the address a session is known at."""

    def __init__(self) -> None:
        self.dropped: Counter[str] = Counter()
        """Datagrams nobody took, by reason."""
        self._ports: Sequence[MediaPort] = ()
        self._by_shard: dict[int, MediaPort] = {}

    def connect(self, ports: Sequence[MediaPort]) -> None:
        """These tables are behind the port from now on."""
        self._ports = ports
        self._by_shard = {port.shard: port for port in ports}

    def on_datagram(self, data: bytes, address: Address, source: str | None) -> None:
        """Hand a datagram to the table it is for."""
        port = self._port_of_capsule(data) if classify(data) is Kind.STUN else None
        if port is None:
            port = next((port for port in self._ports if port.owns(address)), None)
        if port is None:
            self.dropped["nobody's"] += 1
            return
        port.receive_datagram(data, address, source)

    def on_kernel_drops(self, count: int) -> None:
        """The receive queue overflowed: silence may be our fault, so nobody loses consent now."""
        self.dropped["receive queue"] += count
        for port in self._ports:
            port.hold_consent()

    def _port_of_capsule(self, data: bytes) -> MediaPort | None:
        try:
            username = parse_stun(data).username or ""
            return self._by_shard.get(peek_shard(username.partition(":")[0]))
        except RemoteError:
            return None

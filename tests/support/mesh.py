"""Mesh ports joined in memory, over a wire that can lose and repeat."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from stentor.core.mesh.envelope import control_key
from stentor.core.outputs import Address
from stentor.net.mesh_port import MeshPort

KEY = control_key(b"cluster secret of the tests.....")


class MeshWire:
    """Carries datagrams between ports at the next turn of the loop."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, Address]] = []
        """Every datagram and where it was to go."""
        self.loses: Callable[[int], bool] = lambda _: False
        """Whether the datagram of this number (from 0) is lost."""
        self._ports: dict[Address, MeshPort] = {}

    def port(self, name: str, *, key: bytes = KEY, **options: Any) -> MeshPort:
        """A port at `address_of(name)` whose node id is the name, filled up."""
        address = address_of(name)
        port = MeshPort(
            node_of(name),
            key,
            lambda data, to: self.carry(data, address, to),
            link=address,
            **options,
        )
        self._ports[address] = port
        return port

    def carry(self, data: bytes, source: Address, to: Address) -> None:
        """Deliver one datagram, unless it is lost or nobody is there."""
        number = len(self.sent)
        self.sent.append((data, to))
        if to in self._ports and not self.loses(number):
            asyncio.get_running_loop().call_soon(self._ports[to].on_datagram, data, source)


def node_of(name: str) -> bytes:
    """8 bytes."""
    return name.encode().ljust(8, b".")


def address_of(name: str) -> Address:
    """Of the port with this name."""
    return f"mesh-{name}", 1

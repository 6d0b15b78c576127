"""Datagrams between nodes in memory, every protected one noted in a ledger."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from stentor.core.mesh.envelope import MAGIC
from stentor.core.outputs import Address
from stentor.core.trunk.keys import TrunkKeys
from stentor.net.trunk_port import TrunkPort
from support.ledger import Ledger

DELAY = 0.002  # seconds from one node to another


class Wire:
    """Carries datagrams between addresses, except where it is cut."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.cut: set[frozenset[Address]] = set()
        """Pairs of addresses that do not reach each other."""
        self.isolated: set[Address] = set()
        """Addresses that reach nobody."""
        self.told: Counter[tuple[Address, int]] = Counter()
        """Signed datagrams by who sent them and of which kind."""
        self._receivers: dict[Address, Callable[[bytes, Address], None]] = {}

    def attach(self, address: Address, receive: Callable[[bytes, Address], None]) -> None:
        """Somebody is there now."""
        self._receivers[address] = receive

    def detach(self, address: Address) -> None:
        """Nobody is."""
        self._receivers.pop(address, None)

    def carry(self, data: bytes, source: Address, to: Address) -> bool:
        """One datagram has left."""
        if data[0] == MAGIC:
            self.told[source, data[2]] += 1
        else:
            self.ledger.note(data, source, to)
        if frozenset((source, to)) not in self.cut and not self.isolated & {source, to}:
            asyncio.get_running_loop().call_later(DELAY, self._arrive, data, source, to)
        return True

    def _arrive(self, data: bytes, source: Address, to: Address) -> None:
        receive = self._receivers.get(to)
        if receive is not None:
            receive(data, source)


def watch_rows(trunk: TrunkPort, address: Address, ledger: Ledger) -> None:
    """Note in the ledger with which keys each child is fed from `address`."""
    add_child = trunk.add_child

    def noted(event: bytes, to: Address, ssrc: int, keys: TrunkKeys, *, epoch: int) -> int:
        ledger.row(address, to, ssrc, keys)
        return add_child(event, to, ssrc, keys, epoch=epoch)

    trunk.add_child = noted  # type: ignore[method-assign]

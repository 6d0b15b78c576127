"""Who lives at which address: one book for all tables behind a port, so that none can take another's."""

from __future__ import annotations

from collections.abc import Callable

from stentor.core.outputs import Address
from stentor.core.webrtc.peer import Peer


class AddressBook:
    """Addresses that were verified for a session. An owner that was just heard keeps its address."""

    def __init__(self, on_change: Callable[[Address, bool], None] | None = None) -> None:
        """`on_change(address, whether somebody lives there)`: for who filters datagrams before us."""
        self._owners: dict[Address, Peer] = {}
        self._on_change = on_change

    def owner(self, address: Address) -> Peer | None:
        """The session that lives there."""
        return self._owners.get(address)

    def may_use(self, address: Address, peer: Peer | None, now: float) -> bool:
        """Whether `peer` (None: a session yet to be made) may live at `address`.

        Not while the owner is fresh there; unless the owner never proved that it is there, and `peer` did:
        it takes back what was its own.
        """
        owner = self._owners.get(address)
        if owner is None or owner is peer:
            return True
        theirs = owner.ice.pairs.get(address)
        mine = peer.ice.pairs.get(address) if peer is not None else None
        if theirs is None or (mine is not None and mine.proven and not theirs.proven):
            return True
        return not theirs.is_fresh(now)

    def claim(self, address: Address, peer: Peer) -> None:
        """`peer` lives there from now on."""
        if self._on_change is not None and address not in self._owners:
            self._on_change(address, True)
        self._owners[address] = peer

    def release(self, address: Address, peer: Peer) -> None:
        """`peer` lives there no more; nothing happens when another does."""
        if self._owners.get(address) is peer:
            del self._owners[address]
            if self._on_change is not None:
                self._on_change(address, False)

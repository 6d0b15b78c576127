"""Which relay feeds which: an event's tree of at most two levels below its stage.

No relay knows which others listen to the event; all know the directory. In a small cluster every relay asks
the stage. In a large one some relays are *inner* for the event, those whose hash with the event is highest
(rendezvous hashing, Thaler and Ravishankar 1998): they ask the stage, and every other one, a leaf, asks the
inner ones in an order of its own. So the leaves spread evenly without anybody counting, the death of an
inner relay moves its leaves alone, and copies of the directory that differ in a few relays give trees that
differ in a few edges. What makes it free of loops is not this ranking but the rule of `trunk/subscribers.py`:
only a node whose own parent is the stage accepts children.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import nlargest

from stentor.core.outputs import Address

FANOUT = 64  # children a node has on average: 50 packets/s each, 2 Mbit/s in all, a thousandth of its sending
SPARE = 4  # one inner relay more for every 4: any quarter of them may die and the others stay below the bound
LEAST_SPARE = 2  # inner relays, where that rule would give fewer
RELAY_BOUND = 128  # children a relay accepts for an event: twice the mean, 9 sigma of an even spread
STAGE_BOUND = 320  # of the stage, which feeds the inner ones: enough for 256 / 1.25 * 64 = 13,000 relays
STAGE_LEAVES = 64  # of these, relays that found no inner one; the other 256 are for inner ones
CHOICES = 8  # inner relays a leaf tries before the stage: were half of them dead, 1 leaf in 256 finds none
CACHED_EVENTS = 256  # rankings kept; each is at most STAGE_BOUND references


@dataclass(frozen=True, slots=True)
class TreeNode:
    """A node that can be a parent."""

    node: bytes
    """Its node id, 8 bytes, new at every start."""
    address: Address
    """Where it takes control datagrams."""


class RelayTree:
    """The ranking by one copy of the directory. One object serves all events of a process."""

    def __init__(self, *, fanout: int = FANOUT) -> None:
        """`fanout`: children per node that the number of inner relays is made for."""
        if fanout < 1:
            raise ValueError(f"fan-out {fanout} must be positive")
        self._fanout = fanout
        self._relays: tuple[TreeNode, ...] = ()
        self._inner: OrderedDict[bytes, dict[bytes, TreeNode]] = OrderedDict()
        self.version = -1
        """Of the directory copy given last."""

    def set_directory(self, relays: Iterable[TreeNode], *, version: int) -> None:
        """All relays that are alive, this one included. The same version again changes nothing."""
        if version == self.version:
            return
        self.version = version
        self._relays = tuple(relays)
        self._inner.clear()

    def inner(self, event: bytes) -> dict[bytes, TreeNode]:
        """The event's inner relays by node id, highest rank first; empty when all relays ask the stage."""
        known = self._inner.get(event)
        if known is None:
            known = self._inner[event] = self._rank(event)
            if len(self._inner) > CACHED_EVENTS:
                self._inner.popitem(last=False)
        else:
            self._inner.move_to_end(event)
        return known

    def asks_stage(self, event: bytes, node: bytes) -> bool:
        """Whether a relay's place is directly below the stage: it is inner, or the tree has one level."""
        inner = self.inner(event)
        return not inner or node in inner

    def candidates(self, event: bytes, node: bytes, stage: TreeNode | None) -> tuple[TreeNode, ...]:
        """Whom `node` asks for the event, in this order.

        `stage`: None while it is not known. It is the only candidate of a relay below it and the last
        resort of a leaf. Never contains `node` itself.
        """
        last = () if stage is None or stage.node == node else (stage,)
        if self.asks_stage(event, node):
            return last
        above = b"" if stage is None else stage.node
        choices = (relay for relay in self.inner(event).values() if relay.node != above)
        return (*nlargest(CHOICES, choices, key=lambda relay: _weight(event, node + relay.node)), *last)

    def _rank(self, event: bytes) -> dict[bytes, TreeNode]:
        count = inner_count(len(self._relays), self._fanout)
        ranked = nlargest(count, self._relays, key=lambda relay: _weight(event, relay.node))
        return {relay.node: relay for relay in ranked}


def inner_count(relays: int, fanout: int = FANOUT) -> int:
    """How many of `relays` are inner: enough for `fanout` each, a spare for every four; 0: one level.

    Above one level it never differs by more than one between two neighbouring numbers of relays: else the
    death of an inner relay would demote another one, and move that one's leaves too.
    """
    if relays <= fanout:
        return 0
    with_spare = -(-relays * (SPARE + 1) // (SPARE * fanout))
    return min(max(with_spare, -(-relays // fanout) + LEAST_SPARE), STAGE_BOUND - STAGE_LEAVES)


def _weight(event: bytes, name: bytes) -> bytes:
    return hashlib.blake2b(name, key=event, digest_size=8).digest()

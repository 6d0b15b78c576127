"""Where first contacts wait until a handshake may start: returning listeners first, else as they came.

A client repeats its check every 50 to 500 ms until it is answered. Whoever waits here has a place already, so
a repetition costs a look into a table and not a parsed datagram: people who wait are no load.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

from stentor.core.errors import RemoteError
from stentor.core.outputs import Address
from stentor.core.webrtc.capsule import PeekedCapsule, peek_capsule
from stentor.core.webrtc.stun import parse_stun
from stentor.net.native_core import UpRecord

CAPACITY = 4096  # who comes on top of as many repeats it later
SILENT = 1.2  # seconds without a repetition (the core lets three a second through): whoever waited has gone


class ContactGate(Protocol):
    """Whoever decides when a handshake may start."""

    def is_returning(self, capsule: PeekedCapsule) -> bool:
        """Whether whoever brings it had a seat lately, here or on another shard."""

    def has_credit(self, *, returning: bool) -> bool:
        """Whether a handshake of that kind may start now. Nothing is spent: the session table does that."""


class ContactRoom:
    """Two lines, by address."""

    def __init__(self) -> None:
        self._returning: OrderedDict[Address, tuple[UpRecord, float]] = OrderedDict()
        self._new: OrderedDict[Address, tuple[UpRecord, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._returning) + len(self._new)

    def repeat(self, record: UpRecord, now: float) -> bool:
        """Whether its sender waits already; the newest datagram takes the place of the one before."""
        for line in (self._returning, self._new):
            if record.address in line:
                line[record.address] = (record, now)
                return True
        return False

    def enter(self, record: UpRecord, now: float, *, returning: bool) -> bool:
        """Wait at the end of a line; False when there is no room."""
        if len(self) >= CAPACITY:
            return False
        (self._returning if returning else self._new)[record.address] = (record, now)
        return True

    def take(self, now: float, gate: ContactGate) -> UpRecord | None:
        """Whose turn it is, if a handshake may start."""
        for line, returning in ((self._returning, True), (self._new, False)):
            while line and now - next(iter(line.values()))[1] > SILENT:
                line.popitem(last=False)
            if line and gate.has_credit(returning=returning):
                return line.popitem(last=False)[1][0]
        return None


def capsule_of(record: UpRecord) -> PeekedCapsule | None:
    """What the capsule in a contact says; the core has verified it. None when it is no contact."""
    try:
        return peek_capsule((parse_stun(record.data).username or "").partition(":")[0])
    except RemoteError:
        return None

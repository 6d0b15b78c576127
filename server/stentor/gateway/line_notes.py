"""What gateways and the admission leader tell each other of a line, once a second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from stentor.core.admission.arrivals import Arrivals
from stentor.core.admission.line import Release, Serving


@dataclass(frozen=True, slots=True)
class Room:
    """What the relays offer: one gateway's quota of it, or the sum of all quotas."""

    free: int
    """Seats that are offered and not taken."""
    offered: int
    """Seats that are offered, taken or not."""
    credit_rate: float
    """Joins per second."""


@dataclass(frozen=True, slots=True)
class LineCounts:
    """What one gateway has counted of one event's line. Cumulative: a lost report costs nothing."""

    event: bytes
    """Its key, see `ids.event_key`."""
    epoch: int
    """Of the line."""
    serving: Serving
    """The highest thresholds it has seen: a new leader goes on from there."""
    number: int
    """The highest release it has seen."""
    arrivals: Arrivals
    """Tickets it gave to people who had to wait."""
    present: int
    """Called people who have come and have no seat yet."""
    shown: tuple[tuple[int, int], ...]
    """(release, how many of its people have a seat from here, or stand here now)."""


@dataclass(frozen=True, slots=True)
class ServingNotice:
    """What the leader tells every gateway of one event's line."""

    event: bytes
    """Its key."""
    epoch: int
    """Of the line."""
    serving: Serving
    """The thresholds."""
    release: Release | None = None
    """The step that was made this second."""
    waiting: int = 0
    """People who are not called yet, at all gateways."""
    present: int = 0
    """Called people who have come and have no seat yet, at all gateways."""
    curve: tuple[tuple[int, int], ...] = field(default=())
    """(ms, how many had come by then), coarse; see `Arrivals.curve`."""


class LineLink(Protocol):
    """How these notes travel: not at all in one process, as signed datagrams in a cluster."""

    def is_leading(self) -> bool:
        """Whether this gateway is the admission leader now."""

    def report(self, counts: Sequence[LineCounts], room: Room) -> None:
        """Send what this gateway has counted, and its quotas, to the leader."""

    def announce(self, notices: Sequence[ServingNotice]) -> None:
        """Send the leader's notices to the other gateways; this one has them already."""


class Alone:
    """A gateway that is its own leader."""

    def is_leading(self) -> bool:
        """See `LineLink.is_leading`."""
        return True

    def report(self, counts: Sequence[LineCounts], room: Room) -> None:
        """Nobody else to tell."""

    def announce(self, notices: Sequence[ServingNotice]) -> None:
        """Nobody else to tell."""

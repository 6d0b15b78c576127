"""The page on which roles meet: what they say to each other, and nothing of how they do it.

No role imports another. In one process `app/roles` joins these directly; in a cluster the same calls
travel as signed datagrams or directory records.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from stentor.core.outputs import Address
from stentor.core.stage.program import ProgramFrame

Duty = Literal["relay", "ingest"]
ShardState = Literal["ready", "draining", "braking"]
HostState = Literal["none", "present", "away"]

NO_NODE = bytes(8)
"""The node of a shard that is in no cluster: it is reached by calls, not by datagrams."""


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """What a media port publishes about itself in the directory so that any gateway can answer for it."""

    shard: int
    """Number of the shard, 32 bits, unique in the cluster."""
    duty: Duty
    """`relay` seats listeners, `ingest` takes publishers."""
    key_id: int
    """Which capsule secret is in force, 0 to 255."""
    secret: bytes
    """32 bytes, new at every start: capsules of a former life are worth nothing."""
    fingerprint: str
    """sha-256 of the DTLS certificate as in SDP: `AB:CD:...`."""
    candidates: tuple[Address, ...]
    """Every address a browser may reach it at."""
    node: bytes = NO_NODE
    """8 random bytes, new at every start: the process, which speaks for all shards in it."""
    link: Address | None = None
    """Where the other nodes of the cluster reach that process; None outside a cluster."""


@dataclass(frozen=True, slots=True)
class GatewayRecord:
    """What a gateway publishes of itself so that shards send it heartbeats and its share of their seats."""

    node: bytes
    """8 random bytes, new at every start."""
    link: Address
    """Where shards reach it."""


class EventRow(NamedTuple):
    """What a heartbeat says of one event."""

    event: bytes
    """Its key (`ids.event_key`)."""
    listeners: int = 0
    """Connected at this shard."""
    host: HostState = "none"
    """Of a stage: whether it hears the publisher."""
    epoch: int = 0
    """Highest stage epoch this node has seen; 0: none."""


class Shed(NamedTuple):
    """Whom an overloaded shard asks to move; see `admission.shedding.MoveNotice`."""

    since: int
    """Unix seconds: whoever was seated in a later second is asked."""
    fraction: float
    """Of those seated in that very second, 0 to 1."""
    seed: bytes
    """8 bytes that decide who of them."""
    deadline: float
    """Unix seconds by which they should be gone."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What a shard tells every gateway once a second, sooner while its last seats are taken."""

    shard: int
    """Who speaks."""
    relay_time: float
    """The shard's own clock in seconds: capsule expiry is counted in it."""
    state: ShardState
    """A draining shard gets nobody; a braking one only listeners who return."""
    seats_free: int
    """How many listeners it would still take from the gateway that is told."""
    listeners: int
    """How many it has."""
    seats_total: int = 0
    """Its seats, taken and free, with those kept for listeners of a shard that dies; 0: it did not say."""
    credits: float | None = None
    """Joins a second this gateway may send; None: no limit."""
    ptime: int = 20
    """Milliseconds of audio in a packet now."""
    events: tuple[EventRow, ...] = ()
    """The events it has listeners for, or is the stage of."""
    shed: Shed | None = None
    """Listeners it asks to move."""


class ShardControl(Protocol):
    """What a gateway may ask of the shard that owns a session."""

    async def end_session(self, shard: int, session: bytes) -> bool:
        """End it now (WHEP or WHIP DELETE). False when there is no such session, or it has ended before."""

    async def end_event(self, event_id: str) -> None:
        """Close every session of the event with close_notify."""

    async def listeners_of(self, event_id: str) -> int:
        """How many listen to the event on all shards."""

    async def set_ptime(self, milliseconds: int | None, *, hold: bool) -> None:
        """Put 20, 40, 60 or 120 ms into each packet to listeners; `hold`: so that no step is heard.

        None: as long as the load asks for, as before anybody set it; `hold` has no effect.
        """

    async def host_state(self, event_id: str) -> HostState:
        """Whether a publisher is connected and heard, connected once but silent now, or never came."""


class FrameSink(Protocol):
    """Where a stage sends its program: the trunk today; a packager or a recorder tomorrow."""

    def frame(self, event: bytes, frame: ProgramFrame, *, now: float) -> None:
        """Take one frame of the event with this key (`ids.event_key`). Must not block."""


class Trunk(Protocol):
    """What a relay says towards the stage."""

    def subscribe(self, event: bytes, *, now: float) -> None:
        """Ask for an event's program. Soft state: said every second while there are listeners."""


class SourceSink(Protocol):
    """Where ingest hands a publisher's Opus packets: the stage."""

    def open_source(self, event: bytes, source: bytes, *, now: float) -> None:
        """`source` (a session id) is the event's publisher from now on; the one before is ignored."""

    def close_source(self, event: bytes, source: bytes, *, now: float) -> None:
        """That publisher is gone."""

    def receive(
        self, event: bytes, source: bytes, sequence: int, timestamp: int, payload: bytes, *, now: float
    ) -> None:
        """One Opus packet with the RTP sequence and timestamp the publisher gave it."""

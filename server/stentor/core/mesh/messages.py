"""What a control datagram says. The body is the fields of one struct as a msgpack array.

Every field has a type and a bound; whatever breaks one is not decoded. Fields that a later version adds at
the end are passed over, so that nodes of two versions understand each other during an upgrade.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Literal, TypeAlias, cast

import msgspec
from msgspec import Meta

from stentor.core.errors import LocalError, RemoteError
from stentor.core.links import Duty, HostState, ShardState
from stentor.core.links import EventRow as LinkRow
from stentor.core.links import Heartbeat as LinkHeartbeat
from stentor.core.links import Shed as LinkShed
from stentor.core.mesh.commands import Command
from stentor.core.mesh.envelope import MAX_BODY
from stentor.core.mesh.fields import (
    U32,
    U63,
    Count,
    EventKey,
    NodeId,
    Nonce,
    OptionalNonce,
    Port,
    Real,
    check_nonce,
)
from stentor.core.mesh.line_messages import LineNotice, LineReport

MAX_EVENTS = 34  # rows of one datagram: each takes up to 31 bytes
MAX_PARTS = 64  # more than 2,000 events at one node
MAX_COUNTERS = 16


class MessageError(RemoteError):
    """The body is not a message of its kind."""


class Kind(IntEnum):
    """Which struct a body is."""

    HEARTBEAT = 1
    MORE_EVENTS = 2
    GATEWAY_BEAT = 3
    SUBSCRIBE = 4
    SUBSCRIBE_ACK = 5
    UNSUBSCRIBE = 6
    ASK = 7
    ANSWER = 8
    STAGE_IS = 9
    WHO_IS_STAGE = 10
    LINE_REPORT = 11
    LINE_NOTICE = 12


class EventRow(msgspec.Struct, frozen=True, array_like=True):
    """One event in a heartbeat, see `links.EventRow`."""

    event: EventKey
    listeners: Count = 0
    host: HostState = "none"
    epoch: U32 = 0

    def as_link(self) -> LinkRow:
        """The same as roles see it."""
        return LinkRow(self.event, self.listeners, self.host, self.epoch)


Rows = Annotated[tuple[EventRow, ...], Meta(max_length=MAX_EVENTS)]


class Shed(msgspec.Struct, frozen=True, array_like=True):
    """Whom a shard asks to move, see `links.Shed`."""

    since: U63
    fraction: Annotated[float, Meta(ge=0, le=1)]
    seed: Annotated[bytes, Meta(min_length=8, max_length=8)]
    deadline: Real

    def as_link(self) -> LinkShed:
        """The same as roles see it."""
        return LinkShed(self.since, self.fraction, self.seed, self.deadline)


class Heartbeat(msgspec.Struct, frozen=True, array_like=True):
    """Shard to gateway, once a second; `seats_free` and `credits` are set aside for the receiver alone."""

    shard: U32
    duty: Duty
    relay_time: Real
    state: ShardState
    seats_free: Count
    credits: Real | None
    listeners: Count
    seats_total: Count
    ptime: Literal[20, 40, 60, 120]
    parts: Annotated[int, Meta(ge=1, le=MAX_PARTS)] = 1
    """In how many parts the events come: this one, and MoreEvents 1 to parts - 1."""
    events: Rows = ()
    shed: Shed | None = None

    def as_link(self) -> LinkHeartbeat:
        """The same as roles see it; the events are those of the first part."""
        return LinkHeartbeat(
            shard=self.shard,
            relay_time=self.relay_time,
            state=self.state,
            seats_free=self.seats_free,
            listeners=self.listeners,
            seats_total=self.seats_total,
            credits=self.credits,
            ptime=self.ptime,
            events=tuple(row.as_link() for row in self.events),
            shed=None if self.shed is None else self.shed.as_link(),
        )


class MoreEvents(msgspec.Struct, frozen=True, array_like=True):
    """The events of a heartbeat that found no room in it."""

    shard: U32
    part: Annotated[int, Meta(ge=1, lt=MAX_PARTS)]
    events: Rows


class GatewayBeat(msgspec.Struct, frozen=True, array_like=True):
    """Gateway to shards and gateways, once a second: a shard divides its seats among those it hears."""

    leader_epoch: U32 = 0
    """Of the admission leader it follows; 0: none."""
    counters: Annotated[
        dict[Annotated[str, Meta(max_length=24)], U63],
        Meta(max_length=MAX_COUNTERS),
    ] = {}
    """What the leader adds up over all gateways, by name."""


class Subscribe(msgspec.Struct, frozen=True, array_like=True):
    """Child to parent, once a second: send me this event's program, to `stream_port` at the sender's host."""

    event: EventKey
    child: NodeId
    stream_port: Port
    nonce_c: Nonce
    nonce_p: OptionalNonce
    """Empty until the parent has said its own."""
    ssrc: U32
    highest_epoch: U32
    level: Literal[1, 2]

    def __post_init__(self) -> None:
        check_nonce(self.nonce_p)


Refused: TypeAlias = Literal["", "not-stage", "not-inner", "full", "stale-epoch", "stopping"]


class SubscribeAck(msgspec.Struct, frozen=True, array_like=True):
    """Parent to child."""

    event: EventKey
    nonce_c: Nonce
    nonce_p: OptionalNonce
    epoch: U32
    stage: NodeId
    refused: Refused = ""

    def __post_init__(self) -> None:
        check_nonce(self.nonce_p)


class Unsubscribe(msgspec.Struct, frozen=True, array_like=True):
    """Child to parent: nobody listens here any more, or somebody else sends it."""

    event: EventKey
    ssrc: U32


class Ask(msgspec.Struct, frozen=True, array_like=True):
    """An order that is answered. It names its receiver: recorded and sent to another node it does nothing."""

    request: U63
    to: NodeId
    command: Command


Value: TypeAlias = bool | int | Annotated[str, Meta(max_length=200)] | None


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """What came of an Ask."""

    request: U63
    ok: bool
    value: Value = None
    """The result, or why not."""


class StageIs(msgspec.Struct, frozen=True, array_like=True):
    """Stage to everybody it knows, when it takes over and when asked."""

    event: EventKey
    epoch: U32
    stage: NodeId
    address: tuple[Annotated[str, Meta(min_length=2, max_length=45)], Port]


class WhoIsStage(msgspec.Struct, frozen=True, array_like=True):
    """To any node that may know; answered with StageIs or not at all."""

    event: EventKey
    highest_epoch: U32 = 0
    """That the asker has seen: a stage of a lower one is over, or its store forgot what it gave out."""


Message: TypeAlias = (
    Heartbeat
    | MoreEvents
    | GatewayBeat
    | Subscribe
    | SubscribeAck
    | Unsubscribe
    | Ask
    | Answer
    | StageIs
    | WhoIsStage
    | LineReport
    | LineNotice
)

_TYPES: dict[Kind, type[Message]] = {
    Kind.HEARTBEAT: Heartbeat,
    Kind.MORE_EVENTS: MoreEvents,
    Kind.GATEWAY_BEAT: GatewayBeat,
    Kind.SUBSCRIBE: Subscribe,
    Kind.SUBSCRIBE_ACK: SubscribeAck,
    Kind.UNSUBSCRIBE: Unsubscribe,
    Kind.ASK: Ask,
    Kind.ANSWER: Answer,
    Kind.STAGE_IS: StageIs,
    Kind.WHO_IS_STAGE: WhoIsStage,
    Kind.LINE_REPORT: LineReport,
    Kind.LINE_NOTICE: LineNotice,
}
_KINDS = {message: kind for kind, message in _TYPES.items()}
_DECODERS = {kind: msgspec.msgpack.Decoder(message) for kind, message in _TYPES.items()}
_ENCODER = msgspec.msgpack.Encoder()


def encode_message(message: Message) -> tuple[Kind, bytes]:
    """Kind and body. LocalError when the body is too large for a datagram."""
    body = _ENCODER.encode(message)
    if len(body) > MAX_BODY:
        raise LocalError(f"{type(message).__name__} of {len(body)} bytes: at most {MAX_BODY} fit")
    return _KINDS[type(message)], body


def decode_message(kind: int, body: bytes) -> Message:
    """The message. MessageError for a kind or a body that is none of ours."""
    decoder = _DECODERS.get(cast(Kind, kind))  # an IntEnum is equal to its number
    if decoder is None:
        raise MessageError(f"unknown kind {kind}")
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MessageError(f"kind {kind}: {error}") from error


def heartbeats_of(beat: LinkHeartbeat, duty: Duty) -> list[Heartbeat | MoreEvents]:
    """The datagrams of one heartbeat: as many as its events need, at most MAX_PARTS."""
    rows = [EventRow(*row) for row in beat.events[: MAX_EVENTS * MAX_PARTS]]
    pages = [tuple(rows[i : i + MAX_EVENTS]) for i in range(0, len(rows), MAX_EVENTS)] or [()]
    first = Heartbeat(
        shard=beat.shard,
        duty=duty,
        relay_time=beat.relay_time,
        state=beat.state,
        seats_free=beat.seats_free,
        credits=beat.credits,
        listeners=beat.listeners,
        seats_total=beat.seats_total,
        ptime=cast(Literal[20, 40, 60, 120], beat.ptime),
        parts=len(pages),
        events=pages[0],
        shed=None if beat.shed is None else Shed(*beat.shed),
    )
    return [first, *(MoreEvents(beat.shard, part, page) for part, page in enumerate(pages[1:], 1))]

"""Messages there and back, their bounds, and that the largest fits a datagram."""

from __future__ import annotations

import contextlib
import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.errors import LocalError
from stentor.core.links import EventRow as LinkRow
from stentor.core.links import Heartbeat as LinkHeartbeat
from stentor.core.links import Shed as LinkShed
from stentor.core.mesh.commands import EndEvent, EndSession, SetPtime
from stentor.core.mesh.envelope import MAX_BODY
from stentor.core.mesh.line_messages import (
    BucketRow,
    LineNotice,
    LineReport,
    LineRow,
    ReleaseRow,
    ServingRow,
)
from stentor.core.mesh.messages import (
    MAX_EVENTS,
    MAX_PARTS,
    Answer,
    Ask,
    EventRow,
    GatewayBeat,
    Heartbeat,
    Kind,
    Message,
    MessageError,
    MoreEvents,
    Shed,
    StageIs,
    Subscribe,
    SubscribeAck,
    Unsubscribe,
    WhoIsStage,
    decode_message,
    encode_message,
    heartbeats_of,
)

EVENT, NODE, NONCE = b"event..!", b"node...!", bytes(range(16))
ROW = EventRow(EVENT, 7, "present", 3)
MESSAGES: list[Message] = [
    Heartbeat(9, "relay", 12.5, "braking", 5, 10.0, 7, 100, 60, 2, (ROW,)),
    Heartbeat(
        9,
        "relay",
        12.5,
        "ready",
        5,
        10.0,
        7,
        100,
        120,
        1,
        (ROW,),
        Shed(1_700_000_000, 0.25, b"seed...!", 1.7e9),
    ),
    Heartbeat(9, "ingest", 0.0, "ready", 0, None, 0, 0, 20),
    MoreEvents(9, 1, (ROW, ROW)),
    GatewayBeat(3, {"tickets": 12, "waiting": 4}),
    Subscribe(EVENT, NODE, 8082, NONCE, b"", 77, 0, 1),
    Subscribe(EVENT, NODE, 8082, NONCE, NONCE, 77, 4, 2),
    SubscribeAck(EVENT, NONCE, NONCE, 4, NODE),
    SubscribeAck(EVENT, NONCE, b"", 0, NODE, "not-inner"),
    Unsubscribe(EVENT, 77),
    Ask(1, NODE, EndSession(9, b"session!")),
    Ask(2, NODE, EndEvent("abcd2345")),
    Ask(3, NODE, SetPtime(60, True)),
    Ask(5, NODE, SetPtime(None, False)),
    Answer(1, True, False),
    Answer(2, False, "failed"),
    StageIs(EVENT, 4, NODE, ("2001:db8::1", 8082)),
    WhoIsStage(EVENT),
    WhoIsStage(EVENT, 7),
    LineReport(
        8,
        40,
        100,
        12.5,
        (LineRow(EVENT, 1, 2**32, 1_790_000_000_000, 7, 3, 42, 250, ((6, 9), (7, 2))),),
        (BucketRow(EVENT, 1, 250, 7_160_000_000, (0, 40, 3, 2)),),
    ),
    LineNotice(
        4, 1_790_000_000_000, (ServingRow(EVENT, 1, 0, 5, 40, 3, (ReleaseRow(1, 50, 0, 5),), 4, (0, 9)),)
    ),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_message_is_read_as_it_was_written(message: Message) -> None:
    kind, body = encode_message(message)
    assert decode_message(kind, body) == message


def test_every_kind_is_among_them() -> None:
    assert {encode_message(message)[0] for message in MESSAGES} == set(Kind)


@given(st.integers(0, 255), st.binary(max_size=MAX_BODY))
@settings(max_examples=200)
def test_any_bytes_raise_nothing_but_message_errors(kind: int, body: bytes) -> None:
    with contextlib.suppress(MessageError):
        decode_message(kind, body)


@given(st.sampled_from(MESSAGES), st.data())
@settings(max_examples=200)
def test_damaged_message_raises_nothing_but_message_errors(message: Message, data: st.DataObject) -> None:
    kind, body = encode_message(message)
    damaged = bytearray(body)
    damaged[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(MessageError):
        decode_message(kind, bytes(damaged))


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Kind.HEARTBEAT, [2**32, "relay", 1.0, "ready", 0, None, 0, 0, 20]),
        (Kind.HEARTBEAT, [9, "relay", math.inf, "ready", 0, None, 0, 0, 20]),
        (Kind.HEARTBEAT, [9, "relay", math.nan, "ready", 0, None, 0, 0, 20]),
        (Kind.HEARTBEAT, [9, "relay", 1.0, "asleep", 0, None, 0, 0, 20]),
        (Kind.HEARTBEAT, [9, "relay", 1.0, "ready", -1, None, 0, 0, 20]),
        (Kind.HEARTBEAT, [9, "relay", 1.0, "ready", 0, None, 0, 0, 30]),
        (Kind.HEARTBEAT, [9, "relay", 1.0, "ready", 0, None, 0, 0, 20, 1, [[EVENT, 1]] * (MAX_EVENTS + 1)]),
        (Kind.HEARTBEAT, [9, "relay", 1.0, "ready", 0, None, 0, 0, 20, 1, [], [1, 1.5, EVENT, 1.0]]),
        (Kind.HEARTBEAT, [9, "relay", 1.0, "ready", 0, None, 0, 0, 20, 1, [], [1, 0.5, b"seed", 1.0]]),
        (Kind.GATEWAY_BEAT, [0, {f"counter {number}": 1 for number in range(17)}]),
        (Kind.SUBSCRIBE, [EVENT, NODE, 0, NONCE, b"", 77, 0, 1]),
        (Kind.SUBSCRIBE, [EVENT, NODE, 1, NONCE, b"8 bytes!", 77, 0, 1]),
        (Kind.SUBSCRIBE, [EVENT, NODE, 1, NONCE, b"", 77, 0, 3]),
        (Kind.UNSUBSCRIBE, [EVENT[:7], 77]),
        (Kind.ASK, [1, NODE, 0, ["rm_rf", "abcd"]]),
        (Kind.ASK, [1, NODE, 0, ["end_event", "../../etc"]]),
        (Kind.ASK, [1, NODE, 0, ["end_event", "abcd\n"]]),
        (Kind.ANSWER, [1, True, "x" * 201]),
        (Kind.STAGE_IS, [EVENT, 1, NODE, ["192.0.2.1", 70000]]),
    ],
)
def test_field_out_of_its_bounds_is_refused(kind: Kind, fields: list[object]) -> None:
    with pytest.raises(MessageError):
        decode_message(kind, msgspec.msgpack.encode(fields))


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(MessageError, match="unknown kind 200"):
        decode_message(200, b"")


def test_field_that_a_later_version_adds_is_passed_over() -> None:
    later = msgspec.msgpack.encode([EVENT, 77, "new"])
    assert decode_message(Kind.UNSUBSCRIBE, later) == Unsubscribe(EVENT, 77)


def test_largest_heartbeat_fits_a_datagram() -> None:
    row = EventRow(EVENT, 10_000_000, "present", 2**32 - 1)
    shed = Shed(2**63 - 1, 0.1, b"seed...!", 1e11)
    beat = Heartbeat(
        2**32 - 1,
        "ingest",
        1e11,
        "draining",
        10**7,
        1e11,
        10**7,
        10**7,
        120,
        MAX_PARTS,
        (row,) * MAX_EVENTS,
        shed,
    )
    kind, body = encode_message(beat)
    assert decode_message(kind, body) == beat


def test_message_too_large_for_a_datagram_is_our_own_fault() -> None:
    counters = {"c" * 24 + str(number): 2**62 for number in range(100)}
    with pytest.raises(LocalError, match="GatewayBeat"):
        encode_message(GatewayBeat(0, counters))


def test_heartbeat_of_many_events_comes_in_parts_that_lose_none() -> None:
    rows = tuple(LinkRow(number.to_bytes(8, "big"), number) for number in range(2 * MAX_EVENTS + 1))
    link = LinkHeartbeat(9, 12.5, "ready", 5, 70, 100, 10.0, 60, rows)
    first, *rest = heartbeats_of(link, "relay")
    assert isinstance(first, Heartbeat) and first.parts == 3
    assert [more.part for more in rest if isinstance(more, MoreEvents)] == [1, 2]
    assert tuple(row.as_link() for page in (first, *rest) for row in page.events) == rows


def test_heartbeat_is_the_same_for_the_roles_at_both_ends() -> None:
    shed = LinkShed(1_700_000_000, 0.5, b"seed...!", 1.7e9)
    link = LinkHeartbeat(9, 12.5, "braking", 5, 70, 100, None, 60, (LinkRow(EVENT, 7, "away", 2),), shed)
    (only,) = heartbeats_of(link, "ingest")
    assert isinstance(only, Heartbeat) and only.duty == "ingest" and only.as_link() == link

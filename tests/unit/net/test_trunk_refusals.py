"""The trunk of one node, native and Python twin alike: new stages, and what is not taken."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stentor.core.errors import LocalError
from stentor.core.rtp.packet import rtp_header
from stentor.core.trunk.keys import PROFILE
from stentor.core.trunk.packet import TrunkSender, build_trunk_payload
from stentor.core.webrtc.srtp import RtpSealer
from support.trunk_nodes import KINDS, PARENT, TrunkNode, trunk_keys
from support.trunk_packets import (
    frame_at,
    frames_of,
    heard_by_child,
    heard_by_listener,
    packets_of,
    receive_all,
    state_of,
)

OTHER = b"event--2"


@pytest.fixture(params=KINDS)
def node(request: pytest.FixtureRequest) -> Iterator[TrunkNode]:
    node = TrunkNode(request.param)
    yield node
    node.close()


# -- epochs -----------------------------------------------------------------------------------------------


def test_a_new_stage_continues_the_listeners_program(node: TrunkNode):
    node.add_listener()
    node.add_uplink(5, epoch=1)
    node.add_uplink(6, epoch=2)
    receive_all(node, packets_of(5, *frames_of(100, 2)))
    node.step(0.34)  # and TICK since the last: 0.36 s in all, too short for silence of our own
    receive_all(node, packets_of(6, *frames_of(7, 3)))
    packets = heard_by_listener(node)
    assert [packet.sequence - 1000 for packet in packets] == [0, 1, 2, 3, 4]
    assert [packet.timestamp - 96000 for packet in packets] == [0, 960, 18240, 19200, 20160]
    assert packets[2].payload == frame_at(7).payload


def test_a_new_stage_s_first_frame_is_at_least_a_frame_further(node: TrunkNode):
    node.add_listener()
    node.add_uplink(5, epoch=1)
    node.add_uplink(6, epoch=2)
    node.receive(packets_of(5, frame_at(100))[0])
    node.step(0.001)
    node.receive(packets_of(6, frame_at(7))[0])
    assert [packet.timestamp - 96000 for packet in heard_by_listener(node)] == [0, 960]


def test_frames_of_a_stage_that_was_replaced_are_not_heard(node: TrunkNode):
    node.add_listener()
    old = node.add_uplink(5, epoch=1)
    node.add_uplink(6, epoch=2)
    receive_all(node, packets_of(6, frame_at(7)))
    receive_all(node, packets_of(5, *frames_of(100, 2)))
    assert len(heard_by_listener(node)) == 1
    assert state_of(node, old).duplicates == 2


def test_a_child_gets_its_own_epoch_alone_in_the_stage_s_numbers(node: TrunkNode):
    node.add_uplink(5, epoch=1)
    node.add_uplink(6, epoch=2)
    node.add_child(8, epoch=1)
    receive_all(node, packets_of(5, *frames_of(100, 2)))
    node.add_child(9, epoch=2)
    receive_all(node, packets_of(6, *frames_of(7, 2)))
    assert [frames[-1].sequence for frames in heard_by_child(node, 8)] == [100, 101]
    assert [frames[-1].sequence for frames in heard_by_child(node, 9)] == [7, 8]


def test_after_a_silence_of_half_a_round_of_sequence_numbers_time_tells(node: TrunkNode):
    node.add_child(9)
    node.add_uplink(5)
    packets = packets_of(5, *frames_of(100, 2))
    receive_all(node, packets)
    node.step(799.98)
    node.add_uplink(6)
    receive_all(node, packets_of(6, *frames_of(40101, 3)))
    assert [frames[-1].sequence for frames in heard_by_child(node, 9)] == [100, 101, 40101, 40102, 40103]


# -- what is not taken ------------------------------------------------------------------------------------


def test_a_packet_made_with_another_key_is_not_heard(node: TrunkNode):
    uplink = node.add_uplink(5)
    forged = TrunkSender(trunk_keys(6), 5, 1).seal(frame_at(1))
    receive_all(node, [forged, *packets_of(5, frame_at(1))])
    state = state_of(node, uplink)
    assert (state.packets, state.frames, state.failures) == (1, 1, 1)
    assert node.counters()["trunk srtp"] == 1


@pytest.mark.parametrize("place", [1, 2, 5, 9, 12, 30, -1])
def test_a_damaged_packet_is_not_heard(node: TrunkNode, place: int):
    uplink = node.add_uplink(5)
    data = bytearray(packets_of(5, frame_at(1))[0])
    data[place] ^= 1
    node.receive(bytes(data))
    state = state_of(node, uplink)
    assert (state.heard_at, state.packets, state.frames) == (None, 0, 0)


def sealed(payload: bytes, *, payload_type: int = 100, sequence: int = 1) -> bytes:
    """An authentic packet of parent 5 with any payload."""
    keys = trunk_keys(5)
    header = rtp_header(payload_type, sequence, 960 * sequence, 5)
    return RtpSealer(PROFILE, keys.key, keys.salt).seal(header, payload, sequence)


def block(payload_type: int, offset: int, length: int) -> bytes:
    return ((0x80 | payload_type) << 24 | offset << 10 | length).to_bytes(4, "big")


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x61" + frame_at(1).payload,  # a primary of another type
        block(97, 960, 3),  # no primary
        block(97, 960, 3)[:3],
        block(97, 960, 900) + b"\x60" + bytes(10),  # longer than the packet
        block(96, 960, 1) + b"\x60" + bytes(10),  # no distance
        block(97, 0, 1) + b"\x60" + bytes(10),  # no age
        block(95, 960, 1) + b"\x60" + bytes(10),
        (block(97, 960, 1) + block(98, 1920, 1)) + b"\x60" + bytes(10),  # newest first
        block(97, 960, 1) * 2 + b"\x60" + bytes(10),
        block(127, 960, 0) * 200 + b"\x60",
    ],
)
def test_an_authentic_packet_that_is_malformed_is_counted_and_harms_nothing(node: TrunkNode, payload: bytes):
    node.add_listener()
    uplink = node.add_uplink(5)
    node.receive(sealed(payload))
    assert node.counters()["trunk malformed"] == 1
    node.receive(sealed(b"\x60" + frame_at(2).payload, sequence=2))
    state = state_of(node, uplink)
    assert (state.packets, state.frames) == (2, 1)
    assert len(node.to_listeners()) == 1


def test_a_packet_of_another_type_is_malformed(node: TrunkNode):
    node.add_uplink(5)
    node.receive(sealed(build_trunk_payload(frame_at(1), []), payload_type=96))
    assert node.counters()["trunk malformed"] == 1


@pytest.mark.parametrize("payload", [b"", b"\xfb", b"\xff\x3f\x01"])
def test_a_frame_that_is_no_opus_packet_is_not_given_on(node: TrunkNode, payload: bytes):
    node.add_listener()
    node.add_child(9)
    uplink = node.add_uplink(5)
    node.receive(sealed(b"\x60" + payload))
    node.receive(sealed(b"\x60" + frame_at(2).payload, sequence=2))
    node.receive(sealed(b"\x60" + payload, sequence=3))
    state = state_of(node, uplink)
    assert (state.packets, state.frames, state.duplicates) == (3, 1, 2)
    assert len(node.to_child(9)) == 1


@pytest.mark.parametrize(
    "data", [b"", b"\x80", bytes(40), b"\x16" + bytes(40), b"\x90" + bytes(40), b"\x80" * 27]
)
def test_what_is_neither_is_dropped_and_counted(node: TrunkNode, data: bytes):
    node.add_uplink(5)
    node.receive(data)
    assert node.counters() == {"trunk_datagrams": 1, "trunk not ours": 1}


def test_a_stream_nobody_asked_for_is_dropped_and_counted(node: TrunkNode):
    node.receive(packets_of(5, frame_at(1))[0])
    assert node.counters() == {"trunk_datagrams": 1, "trunk unknown stream": 1}


def test_signed_datagrams_come_up_whole_with_their_sender(node: TrunkNode):
    node.receive(b"\xc5" + bytes(1199))
    node.receive(b"\xc5")
    assert node.control == [(b"\xc5" + bytes(1199), PARENT), (b"\xc5", PARENT)]


# -- handles ----------------------------------------------------------------------------------------------


def test_an_ssrc_in_use_is_refused(node: TrunkNode):
    uplink = node.add_uplink(5)
    with pytest.raises(LocalError):
        node.add_uplink(5, event=OTHER)
    node.remove_uplink(uplink)
    assert node.add_uplink(5, event=OTHER) != uplink


def test_a_handle_that_is_nobody_s_has_no_effect(node: TrunkNode):
    node.remove_uplink(77)
    node.remove_child(77)
    assert node.uplink_state(77) is None
    assert node.child_state(0) is None


def test_there_is_room_for_4096_uplinks_and_no_more(node: TrunkNode):
    handles = [node.add_uplink(number, event=number.to_bytes(8, "big")) for number in range(4096)]
    with pytest.raises(LocalError):
        node.add_uplink(5000)
    node.step()
    node.remove_uplink(handles[17])
    last = node.add_uplink(5000)
    receive_all(node, packets_of(5000, frame_at(1)))
    assert state_of(node, last).frames == 1


def test_what_is_counted_has_names(node: TrunkNode):
    node.add_uplink(5)
    node.add_child(9)
    packets = packets_of(5, *frames_of(100, 6))
    receive_all(node, [packets[0], packets[5]])
    assert node.counters() == {
        "trunk_datagrams": 2,
        "trunk_received": 2,
        "trunk_recovered": 3,
        "trunk_lost": 1,
        "trunk_packets_sent": 5,
        "trunk_octets_sent": sum(len(data) for data in node.to_child(9)),
    }

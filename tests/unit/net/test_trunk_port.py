"""The trunk of one node, native and Python twin alike: what comes from parents, what goes to children."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from stentor.core.rtp.packet import parse_rtp
from stentor.net.trunk_port import ChildState, UplinkState
from support.trunk_nodes import KINDS, TrunkNode
from support.trunk_packets import (
    TICK,
    frame_at,
    frames_of,
    heard_by_child,
    heard_by_listener,
    low,
    packets_of,
    receive_all,
    state_of,
)

OTHER = b"event--2"

MakeNode = Callable[[], TrunkNode]


@pytest.fixture(params=KINDS)
def make_node(request: pytest.FixtureRequest) -> Iterator[MakeNode]:
    made: list[TrunkNode] = []

    def make() -> TrunkNode:
        made.append(TrunkNode(request.param))
        return made[-1]

    yield make
    for node in made:
        node.close()


@pytest.fixture
def node(make_node: MakeNode) -> TrunkNode:
    return make_node()


# -- to children ------------------------------------------------------------------------------------------


def test_a_child_gets_each_frame_with_the_three_before_it(node: TrunkNode):
    node.add_child(9)
    frames = frames_of(70000, 5)
    for frame in frames:
        node.frame(frame)
    assert heard_by_child(node, 9) == [
        (low(frames[0]),),
        (low(frames[0]), low(frames[1])),
        (low(frames[0]), low(frames[1]), low(frames[2])),
        (low(frames[0]), low(frames[1]), low(frames[2]), low(frames[3])),
        (low(frames[1]), low(frames[2]), low(frames[3]), low(frames[4])),
    ]


def test_the_numbers_of_a_packet_are_the_program_s_own(node: TrunkNode):
    node.add_child(9)
    node.frame(frame_at(70000))
    (data,) = node.to_child(9)
    packet = parse_rtp(data)
    assert (packet.sequence, packet.timestamp, packet.ssrc) == (70000 & 0xFFFF, 960 * 70000, 9)
    assert packet.payload_type == 100


def test_a_child_s_packets_are_those_of_the_twin(node: TrunkNode):
    node.add_child(9)
    sizes = (10, 1100, 40, 900, 300, 2000, 1022, 1023, 7, 7)
    frames = [frame_at(65530 + 3 * n, size=size) for n, size in enumerate(sizes)]
    for frame in frames:
        node.frame(frame)
    assert node.to_child(9) == packets_of(9, *frames)


def test_a_child_repeats_no_frame_from_before_it_came(node: TrunkNode):
    node.add_child(8)
    node.frame(frame_at(1))
    node.add_child(9)
    node.frame(frame_at(2))
    assert [len(frames) for frames in heard_by_child(node, 9)] == [1]
    assert [len(frames) for frames in heard_by_child(node, 8)] == [1, 2]


def test_a_frame_that_is_not_ahead_is_sent_to_no_child(node: TrunkNode):
    node.add_child(9)
    for sequence in (5, 5, 4, 6):
        node.frame(frame_at(sequence))
    assert [frames[-1].sequence for frames in heard_by_child(node, 9)] == [5, 6]


def test_children_get_every_frame_at_once_whatever_the_ptime_is(node: TrunkNode):
    node.fanout.set_ptime(120)
    node.add_listener()
    node.add_child(9)
    for number in range(3):
        node.frame(frame_at(number))
        assert len(node.to_child(9)) == number + 1
    assert not node.to_listeners()


def test_children_are_served_before_listeners(node: TrunkNode):
    for number in range(1, 4):
        node.add_listener(number)
    node.add_child(9)
    node.add_uplink(5)
    receive_all(node, packets_of(5, frame_at(1)))
    assert [data[1] for _, data in node.sent] == [100, 111, 111, 111]


def test_a_child_that_was_removed_gets_nothing(node: TrunkNode):
    child = node.add_child(9)
    node.frame(frame_at(1))
    assert node.child_state(child) == ChildState(1, len(node.to_child(9)[0]), 0)
    node.remove_child(child)
    node.remove_child(child)
    node.frame(frame_at(2))
    assert len(node.to_child(9)) == 1
    assert node.child_state(child) is None


def test_events_do_not_mix(node: TrunkNode):
    node.add_child(8)
    node.add_child(9, event=OTHER)
    node.add_uplink(5, event=OTHER)
    node.frame(frame_at(1))
    receive_all(node, packets_of(5, frame_at(7)))
    assert [frames[-1].sequence for frames in heard_by_child(node, 8)] == [1]
    assert [frames[-1].sequence for frames in heard_by_child(node, 9)] == [7]


# -- from parents -----------------------------------------------------------------------------------------


def test_a_listener_hears_what_comes_by_an_uplink(node: TrunkNode):
    node.add_listener()
    uplink = node.add_uplink(5)
    receive_all(node, packets_of(5, *frames_of(100, 3)))
    assert [packet.timestamp for packet in heard_by_listener(node)] == [96000, 96960, 97920]
    assert state_of(node, uplink) == UplinkState(1000.0 + 2 * TICK, 3, 3, 0, 0, 0, 0)


def test_frames_of_an_event_without_listeners_go_to_children(node: TrunkNode):
    node.add_uplink(5)
    node.add_child(9)
    receive_all(node, packets_of(5, *frames_of(100, 3)))
    assert [frames[-1].sequence for frames in heard_by_child(node, 9)] == [100, 101, 102]
    assert not node.to_listeners()


def test_a_frame_goes_from_the_stage_through_two_relays_to_a_listener(make_node: MakeNode):
    stage, inner, leaf = make_node(), make_node(), make_node()
    stage.add_child(5)
    inner.add_uplink(5)
    inner.add_child(6)
    leaf.add_uplink(6)
    leaf.add_listener()
    for frame in frames_of(65530, 12):  # the sequence number goes round on the way
        stage.frame(frame)
        for _, data in stage.take_sent():
            inner.receive(data)
        for _, data in inner.take_sent():
            leaf.receive(data)
    assert [packet.payload for packet in heard_by_listener(leaf)] == [f.payload for f in frames_of(65530, 12)]
    assert [packet.timestamp for packet in heard_by_listener(leaf)] == [960 * (65530 + n) for n in range(12)]


def test_two_lost_packets_in_a_row_lose_no_frame(node: TrunkNode):
    node.add_listener()
    uplink = node.add_uplink(5)
    packets = packets_of(5, *frames_of(100, 6))
    receive_all(node, [*packets[:2], *packets[4:]])
    assert [packet.timestamp // 960 for packet in heard_by_listener(node)] == [100, 101, 102, 103, 104, 105]
    assert state_of(node, uplink) == UplinkState(1000.0 + 3 * TICK, 4, 6, 2, 0, 0, 0)


def test_four_lost_packets_in_a_row_lose_one_frame(node: TrunkNode):
    node.add_listener()
    uplink = node.add_uplink(5)
    packets = packets_of(5, *frames_of(100, 6))
    receive_all(node, [packets[0], packets[5]])
    assert [packet.timestamp // 960 for packet in heard_by_listener(node)] == [100, 102, 103, 104, 105]
    state = state_of(node, uplink)
    assert (state.lost, state.recovered) == (1, 3)


def test_a_gap_of_the_program_is_no_loss_of_the_trunk(node: TrunkNode):
    node.add_listener()
    uplink = node.add_uplink(5)
    receive_all(node, packets_of(5, *(frame_at(n) for n in (100, 101, 105, 106))))
    assert [packet.sequence - 1000 for packet in heard_by_listener(node)] == [0, 1, 5, 6]
    assert state_of(node, uplink).lost == 0


def test_a_late_packet_brings_nothing_that_a_later_one_had_brought(node: TrunkNode):
    node.add_listener()
    uplink = node.add_uplink(5)
    packets = packets_of(5, *frames_of(100, 4))
    receive_all(node, [packets[0], packets[2], packets[1], packets[3]])
    assert [packet.timestamp // 960 for packet in heard_by_listener(node)] == [100, 101, 102, 103]
    state = state_of(node, uplink)
    assert (state.packets, state.duplicates, state.recovered) == (4, 1, 1)


def test_a_packet_that_comes_twice_counts_once(node: TrunkNode):
    uplink = node.add_uplink(5)
    packets = packets_of(5, *frames_of(100, 2))
    receive_all(node, [packets[0], packets[0], packets[1], packets[1], packets[0]])
    state = state_of(node, uplink)
    assert (state.packets, state.frames, state.failures) == (2, 2, 3)
    assert node.counters()["trunk replay"] == 3


def test_of_the_first_packet_only_its_own_frame_is_heard(node: TrunkNode):
    node.add_listener()
    node.add_uplink(5)
    receive_all(node, packets_of(5, *frames_of(100, 4))[2:])
    assert [packet.timestamp // 960 for packet in heard_by_listener(node)] == [102, 103]


def test_a_stream_whose_first_packets_were_lost_just_before_65536_is_heard(node: TrunkNode):
    uplink = node.add_uplink(5)
    receive_all(node, packets_of(5, *frames_of(65535, 4))[1:])
    assert state_of(node, uplink).packets == 3


def test_two_parents_of_one_epoch_bring_each_frame_once(node: TrunkNode):
    node.add_listener()
    first, second = node.add_uplink(5), node.add_uplink(6)
    frames = frames_of(100, 6)
    one, other = packets_of(5, *frames), packets_of(6, *frames[2:])
    receive_all(node, [one[0], one[1], one[2], other[0], other[1], one[3]])
    node.remove_uplink(first)
    receive_all(node, [one[4], other[2], other[3]])
    assert [packet.timestamp // 960 for packet in heard_by_listener(node)] == list(range(100, 106))
    assert node.uplink_state(first) is None
    assert state_of(node, second).frames == 3
    assert node.counters()["trunk unknown stream"] == 1


def test_an_uplink_that_comes_after_a_break_continues_the_program(node: TrunkNode):
    node.add_listener()
    gone = node.add_uplink(5)
    receive_all(node, packets_of(5, *frames_of(100, 2)))
    node.remove_uplink(gone)
    node.step(30.0)
    node.add_uplink(6)
    receive_all(node, packets_of(6, *frames_of(1600, 2)))
    assert [packet.timestamp // 960 for packet in heard_by_listener(node)] == [100, 101, 1600, 1601]

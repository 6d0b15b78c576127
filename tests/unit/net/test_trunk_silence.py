"""While nobody brings the program a relay's listeners get silence from it, native and Python twin alike."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stentor.core.opus.toc import SILENCE_20MS
from stentor.core.trunk.link import SILENCE
from stentor.net.trunk_port import CONTROL_BYTE
from support.fanouts import GROUP
from support.trunk_nodes import KINDS, TrunkNode
from support.trunk_packets import TICK, frames_of, heard_by_child, heard_by_listener, packets_of, receive_all


@pytest.fixture(params=KINDS)
def node(request: pytest.FixtureRequest) -> Iterator[TrunkNode]:
    made = TrunkNode(request.param)
    yield made
    made.close()


def pass_time(node: TrunkNode, seconds: float) -> None:
    for _ in range(round(seconds / TICK)):
        node.step(TICK)


def numbers(node: TrunkNode) -> tuple[list[int], list[int]]:
    heard = heard_by_listener(node)
    return [packet.sequence for packet in heard], [packet.timestamp for packet in heard]


def assert_goes_on(node: TrunkNode) -> None:
    """No listener sees a lost packet, and time only goes forward."""
    sequences, timestamps = numbers(node)
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))
    assert timestamps == sorted(set(timestamps))


def test_a_listener_of_a_dead_stage_hears_silence_after_400_ms(node: TrunkNode):
    node.add_listener()
    node.add_uplink(5)
    receive_all(node, packets_of(5, *frames_of(100, 3)))
    pass_time(node, 0.3)
    assert len(heard_by_listener(node)) == 3
    pass_time(node, 1.0)
    heard = heard_by_listener(node)
    assert len(heard) > 40
    assert {packet.payload for packet in heard[3:]} == {SILENCE_20MS}
    assert_goes_on(node)
    elapsed = heard[-1].timestamp - heard[2].timestamp
    assert abs(elapsed - (node.now - 1000.0 - 2 * TICK) * 48000) <= 2 * 960


def test_children_hear_none_of_it_and_look_for_another_parent(node: TrunkNode):
    node.add_child(9)
    node.add_uplink(5)
    receive_all(node, packets_of(5, *frames_of(100, 3)))
    pass_time(node, 2.0)
    assert len(heard_by_child(node, 9)) == 3


def test_the_same_stage_goes_on_after_silence(node: TrunkNode):
    node.add_listener()
    node.add_uplink(5)
    packets = packets_of(5, *frames_of(100, 60))
    receive_all(node, packets[:3])
    pass_time(node, 0.8)
    before = len(heard_by_listener(node))
    receive_all(node, packets[43:53])
    assert_goes_on(node)
    assert len(heard_by_listener(node)) >= before + 8  # those that silence has covered are left out
    assert heard_by_listener(node)[-1].payload == frames_of(100, 60)[52].payload


def test_a_new_stage_follows_the_silence(node: TrunkNode):
    node.add_listener()
    node.add_uplink(5, epoch=1)
    receive_all(node, packets_of(5, *frames_of(100, 3)))
    pass_time(node, 3.0)
    before = len(heard_by_listener(node))
    node.add_uplink(6, epoch=2)
    receive_all(node, packets_of(6, *frames_of(9000, 5)))
    assert_goes_on(node)
    assert len(heard_by_listener(node)) == before + 5


def test_a_relay_that_is_cut_off_gives_up_after_30_seconds(node: TrunkNode):
    node.add_listener()
    node.add_uplink(5)
    receive_all(node, packets_of(5, *frames_of(100, 3)))
    pass_time(node, 31.0)
    heard = len(heard_by_listener(node))
    pass_time(node, 5.0)
    assert len(heard_by_listener(node)) == heard


def test_silence_begins_with_nothing_before_the_first_frame(node: TrunkNode):
    node.add_listener()
    node.add_uplink(5)
    pass_time(node, 2.0)
    assert heard_by_listener(node) == []


def test_silence_is_told_once_and_again_after_something_came(node: TrunkNode):
    first, packets = node.add_uplink(5), packets_of(5, *frames_of(100, 60))
    pass_time(node, 2.0)
    assert node.silent == [], "nothing has come that could stay away"
    receive_all(node, packets[:3])
    pass_time(node, SILENCE - 2 * TICK)
    assert node.silent == []
    pass_time(node, 4 * TICK)
    assert node.silent == [GROUP]
    pass_time(node, 2.0)
    assert node.silent == [GROUP]
    receive_all(node, packets[50:52])
    pass_time(node, 1.0)
    assert node.silent == [GROUP, GROUP]
    receive_all(node, packets[55:57])
    node.remove_uplink(first)
    pass_time(node, 1.0)
    assert node.silent == [GROUP, GROUP], "nobody listens to it any more"


def test_silence_of_one_of_two_streams_is_none(node: TrunkNode):
    node.add_uplink(5)
    node.add_uplink(6)
    frames = frames_of(100, 60)
    receive_all(node, packets_of(5, *frames[:3]))
    receive_all(node, packets_of(6, *frames))
    assert node.silent == []


def test_what_is_not_authentic_breaks_no_silence(node: TrunkNode):
    node.add_uplink(5)
    packets = packets_of(5, *frames_of(100, 40))
    receive_all(node, packets[:3])
    receive_all(node, [packet[:-1] + bytes((packet[-1] ^ 1,)) for packet in packets[3:]])
    assert node.silent == [GROUP]


def test_silence_is_told_later_when_other_nodes_have_filled_the_ring(node: TrunkNode):
    node.add_uplink(5)
    receive_all(node, packets_of(5, *frames_of(100, 3)))
    for _ in range(40):
        node.now += TICK
        for number in range(300):  # more than are taken in a tick
            node.receive(bytes((CONTROL_BYTE, number % 256)))
    pass_time(node, 4 * TICK)
    assert node.silent == [GROUP]

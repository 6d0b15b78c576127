"""The trunk of the native core: step by step against its twin, and on real sockets."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.errors import LocalError
from stentor.core.rtp.packet import parse_rtp
from stentor.core.rtp.rtcp import SenderReport, parse_rtcp, to_ntp
from stentor.core.stage.program import ProgramFrame
from stentor.core.trunk.packet import TrunkReceiver, TrunkSender
from stentor.core.webrtc.demux import Kind, classify
from stentor.net.native_core import CoreConfig, NativeCore, Ring
from stentor.net.native_fanout import NativeFanout
from support.fanouts import GROUP, make_frame, make_keys, make_spec, opener_of
from support.trunk_nodes import KINDS, TrunkNode, child_address, trunk_keys

CONFIG = CoreConfig(shard=1, key_id=1, secret=bytes(32), spread=0.0)
HEARD = (GROUP, b"event--2")  # by uplinks
MADE = b"event--3"  # by a stage in this node


# -- the same story for both ------------------------------------------------------------------------------


def steps() -> st.SearchStrategy[list[tuple[str, int, int]]]:
    kinds = ("up", "up", "down", "child", "no child", *3 * ("packet",), "again", "bend", "frame", "wait")
    step = st.tuples(st.sampled_from(kinds), st.integers(0, 3), st.integers(0, 255))
    return st.lists(step, min_size=5, max_size=60)


class Story:
    """Things that happen to a node, decided by the steps alone."""

    def __init__(self, node: TrunkNode) -> None:
        self.node = node
        self.made = 0
        self.uplinks: dict[int, tuple[int, TrunkSender]] = {}  # handle, and what the parent has
        self.children: dict[int, int] = {}
        self.sequences = [65_500, 100, 200, 65_535]
        self.packets: list[bytes] = []
        self.gone: list[int] = []
        for number, event in enumerate(HEARD):  # the core forgets an event that nobody hears
            node.add_listener(number, event=event)

    def happen(self, what: str, which: int, value: int) -> None:
        node, event = self.node, HEARD[which % 2]
        if what == "up":
            self.happen("down", which, 0)
            self.made += 1
            sender = TrunkSender(trunk_keys(self.made), self.made, self.sequences[which])
            self.uplinks[which] = (node.add_uplink(self.made, event=event, epoch=value % 3), sender)
        elif what == "down" and which in self.uplinks:
            self.gone.append(self.uplinks[which][0])
            node.remove_uplink(self.uplinks.pop(which)[0])
        elif what == "child":
            self.happen("no child", which, 0)
            self.made += 1
            self.children[which] = node.add_child(
                self.made, event=MADE if value % 7 == 0 else event, epoch=value % 3
            )
        elif what == "no child" and which in self.children:
            node.remove_child(self.children.pop(which))
        elif what == "packet" and which in self.uplinks:
            self.send(which, value)
        elif what in ("again", "bend") and self.packets:
            data = bytearray(self.packets[value % len(self.packets)])
            if what == "bend":
                data[(7 * value) % len(data)] ^= 1 << which
            node.receive(bytes(data))
        elif what == "frame":
            self.made += 1
            node.frame(make_frame(70_000 + self.made * 2, b"\xf8" + bytes(value)), event=MADE)
        elif what == "wait":
            node.step(value / 64)

    def send(self, which: int, value: int) -> None:
        """One packet in four is lost, one in four has a gap of the program before it."""
        self.sequences[which] += 1 if value % 4 else value // 8 + 1
        sequence = self.sequences[which]
        frame = ProgramFrame(sequence, 960 * sequence, b"\xf8" + bytes((value,)) * (3 * value), 960)
        data = self.uplinks[which][1].seal(frame)
        self.packets.append(data)
        if value % 4 != 1:
            self.node.receive(data)
            self.node.step(1 / 64)  # exact in nanoseconds too

    def outcome(self) -> object:
        node = self.node
        states = [node.uplink_state(handle) for handle, _ in self.uplinks.values()]
        ended = [node.uplink_state(handle) for handle in self.gone]
        children = [node.child_state(child) for child in self.children.values()]
        sent = {to: [data for at, data in node.sent if at == to] for to, _ in node.sent}
        return states, ended, children, sent, node.counters()


@given(steps())
@settings(max_examples=150, deadline=None)
def test_native_and_twin_send_the_same_bytes_and_count_the_same(story: list[tuple[str, int, int]]):
    outcomes = []
    for kind in KINDS:
        told = Story(TrunkNode(kind))
        for step in story:
            told.happen(*step)
        outcomes.append(told.outcome())
        told.node.close()
    assert outcomes[0] == outcomes[1]


@given(st.binary(max_size=2100))
@settings(max_examples=100, deadline=None)
def test_whatever_comes_is_taken_or_counted_by_both(data: bytes):
    outcomes = []
    for kind in KINDS:
        node = TrunkNode(kind)
        node.receive(data)
        outcomes.append((node.counters(), node.control))
        node.close()
    if len(data) <= 2048:  # the twin's socket gives it no more
        assert outcomes[0] == outcomes[1]


# -- in step mode -----------------------------------------------------------------------------------------


@pytest.fixture
def node() -> Iterator[TrunkNode]:
    node = TrunkNode("native")
    yield node
    node.close()


def packets_of(number: int, count: int) -> list[bytes]:
    sender = TrunkSender(trunk_keys(number), number, 5000)
    return [sender.seal(make_frame(n)) for n in range(count)]


def test_sender_reports_tell_when_a_trunk_frame_came(node: TrunkNode):
    assert node.core is not None
    node.now = 1_700_000_000.5
    node.add_listener()
    node.add_uplink(5)
    node.core.step(node.now)
    node.core.inject_trunk(packets_of(5, 1)[0], ("192.0.2.9", 7000), now=node.now)
    node.core.step(node.now)
    reports = [data for data, _, _ in node.core.take_captured() if classify(data) is Kind.RTCP]
    report = parse_rtcp(opener_of(make_keys(1)).open_rtcp(reports[0]))[0]
    assert isinstance(report, SenderReport)
    assert (report.ntp, report.rtp_timestamp) == (to_ntp(node.now), make_frame(0).timestamp)


def test_signed_datagrams_have_a_budget_and_what_is_over_it_is_counted(node: TrunkNode):
    assert node.core is not None
    for _ in range(300):
        node.core.inject_trunk(b"\xc5", ("192.0.2.9", 7000), now=node.now)
    assert len(list(node.core.take(Ring.TRUNK))) == 256
    assert node.counters()["trunk ring full"] == 44
    node.step(0.02)
    node.receive(b"\xc5 again")
    assert [data for data, _ in node.control] == [b"\xc5 again"]


def test_signed_datagrams_leave_contacts_and_dtls_their_room(node: TrunkNode):
    assert node.core is not None
    for _ in range(300):
        node.core.inject_trunk(b"\xc5" + bytes(1199), ("192.0.2.9", 7000), now=node.now)
    node.core.allow(("192.0.2.1", 9))
    node.core.step(node.now)
    assert node.core.inject(b"\x16" + bytes(99), ("192.0.2.1", 9), None, now=node.now)
    assert [record.data for record in node.core.take(Ring.DATAGRAMS)] == [b"\x16" + bytes(99)]


def test_a_program_goes_on_while_somebody_listens(node: TrunkNode):
    node.add_listener()
    first = node.add_uplink(5)
    for data in packets_of(5, 3):
        node.receive(data)
    node.remove_uplink(first)
    node.step(5.0)
    node.add_uplink(6, epoch=2)
    node.receive(TrunkSender(trunk_keys(6), 6, 1).seal(make_frame(-4000)))
    sequences = [parse_rtp(data).sequence for data in node.to_listeners()]
    assert sequences == [1000, 1001, 1002, 1003, 1004]  # a frame of silence before the last


def test_an_uplink_continues_what_was_sent_from_this_process_before(node: TrunkNode):
    node.add_listener()
    for number in range(3):
        node.frame(make_frame(number))
    node.step(0.02)
    node.add_uplink(5)
    node.receive(TrunkSender(trunk_keys(5), 5, 9).seal(ProgramFrame(9, 77, b"\xf8new", 960)))
    packets = [parse_rtp(opener_of(make_keys(1)).open_rtp(data)) for data in node.to_listeners()]
    assert [(packet.sequence, packet.timestamp) for packet in packets[2:]] == [(1002, 1920), (1003, 2880)]
    assert packets[3].payload == b"\xf8new"


def test_a_core_without_a_cluster_socket_has_no_trunk():
    core = NativeCore(CONFIG, capture=True)
    keys = trunk_keys(1)
    with pytest.raises(LocalError):
        core.add_uplink(GROUP, 1, keys.key, keys.salt, epoch=1)
    with pytest.raises(LocalError):
        core.add_child(GROUP, child_address(1), 1, keys.key, keys.salt, epoch=1)
    core.remove_uplink(65537)
    core.remove_child(65537)
    assert (core.uplink_state(65537), core.child_state(65537), core.trunk_wake_fd) == (None, None, -1)
    assert not core.inject_trunk(b"\xc5", ("192.0.2.9", 1), now=1.0)
    assert not list(core.take(Ring.TRUNK))
    core.close()


def test_keys_of_another_length_are_refused(node: TrunkNode):
    assert node.core is not None
    with pytest.raises(LocalError):
        node.core.add_uplink(GROUP, 1, bytes(15), bytes(12), epoch=1)
    with pytest.raises(LocalError):
        node.core.add_child(GROUP, child_address(1), 1, bytes(16), bytes(14), epoch=1)


def test_it_can_be_closed_with_uplinks_and_children_that_wait_to_be_linked(node: TrunkNode):
    node.add_uplink(5)
    node.step()
    node.add_uplink(6)
    child = node.add_child(9)
    node.remove_child(child)
    node.add_child(10)


# -- on real sockets --------------------------------------------------------------------------------------


class Node:
    """A core with a listeners' socket and a cluster socket."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.port, self.cluster = bound("127.0.0.1"), bound(host)
        self.core = NativeCore(
            CONFIG,
            fd=self.port.fileno(),
            trunk_fd=self.cluster.fileno(),
            trunk_ipv6=self.cluster.family == socket.AF_INET6,
        )
        self.fanout = NativeFanout(self.core, monotonic=time.monotonic)

    def close(self) -> None:
        self.core.close()
        self.port.close()
        self.cluster.close()


def bound(host: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind((host, 0))
    return sock


def uplink_to(node: Node, number: int) -> int:
    keys = trunk_keys(number)
    return node.core.add_uplink(GROUP, number, keys.key, keys.salt, epoch=1)


def child_of(node: Node, address: tuple[str, int], number: int) -> int:
    keys = trunk_keys(number)
    return node.core.add_child(GROUP, address, number, keys.key, keys.salt, epoch=1)


@pytest.fixture
def pair() -> Iterator[Node]:
    node = Node()
    yield node
    node.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_frame_goes_from_node_to_node_to_listener_without_python(host: str):
    stage, relay = Node(host), Node(host)
    listener = bound("127.0.0.1")
    listener.settimeout(5.0)
    try:
        child_of(stage, relay.cluster.getsockname()[:2], 5)
        uplink = uplink_to(relay, 5)
        relay.fanout.add_listener(make_spec(1, address=listener.getsockname(), source=None))
        stage.core.start()
        relay.core.start()
        before = time.time()
        stage.fanout.send_frame(GROUP, make_frame(0), ntp=1)
        data, sender = listener.recvfrom(2048)
        assert sender == relay.port.getsockname()
        assert parse_rtp(opener_of(make_keys(1)).open_rtp(data)).payload == b"\xf8opus"
        report = parse_rtcp(opener_of(make_keys(1)).open_rtcp(listener.recv(2048)))[0]
        assert isinstance(report, SenderReport)
        assert to_ntp(before - 0.1) <= report.ntp <= to_ntp(time.time() + 0.1)
        state = relay.core.uplink_state(uplink)
        assert state is not None
        assert state.heard_at is not None and abs(time.monotonic() - state.heard_at) < 5.0
    finally:
        for node in (stage, relay):
            node.close()
        listener.close()


def test_a_child_that_cannot_be_reached_stops_no_other(pair: Node):
    children = [bound("127.0.0.1") for _ in range(3)]
    handles = []
    for number, sock in enumerate(children):
        handles.append(child_of(pair, sock.getsockname(), 10 + number))
        handles.append(child_of(pair, ("127.0.0.1", 0), 20 + number))
    pair.core.send_frame(GROUP, 1, 960, b"\xf8opus", ntp=1, now=1.0)
    pair.core.step(1.0)
    for number, sock in enumerate(children):
        receiver = TrunkReceiver(trunk_keys(10 + number), 10 + number)
        assert receiver.open(sock.recv(2048))[-1].payload == b"\xf8opus"
        sock.close()
    states = [pair.core.child_state(handle) for handle in handles]
    assert [state.unsent for state in states if state is not None] == [0, 1] * 3
    assert pair.core.counters()["trunk_unsent"] == 3


def test_each_socket_has_its_own_budget_in_a_turn(pair: Node):
    flood = bound("127.0.0.1")
    for _ in range(200):
        flood.sendto(b"\x80", pair.cluster.getsockname())
        flood.sendto(b"\x80", pair.port.getsockname())
    pair.core.step(1.0)
    counters = pair.core.counters()
    assert (counters["trunk_datagrams"], counters["datagrams_received"]) == (128, 128)
    pair.core.step(1.0)
    counters = pair.core.counters()
    assert (counters["trunk_datagrams"], counters["datagrams_received"]) == (200, 200)
    flood.close()


def test_signed_datagrams_wake_python(pair: Node):
    other = bound("127.0.0.1")
    pair.core.start()
    other.sendto(b"\xc5 hello", pair.cluster.getsockname())
    other.sendto(b"nothing of ours", pair.cluster.getsockname())
    assert select.select([pair.core.trunk_wake_fd], [], [], 5.0)[0]
    pair.core.clear_trunk_wake()
    (record,) = pair.core.take(Ring.TRUNK)
    assert (record.data, record.address) == (b"\xc5 hello", other.getsockname())
    assert not select.select([pair.core.wake_fd], [], [], 0)[0]
    other.close()


def test_a_core_of_a_stage_needs_no_listeners_socket():
    cluster, child = bound("127.0.0.1"), bound("127.0.0.1")
    child.settimeout(5.0)
    core = NativeCore(CONFIG, trunk_fd=cluster.fileno())
    keys = trunk_keys(9)
    core.add_child(GROUP, child.getsockname(), 9, keys.key, keys.salt, epoch=1)
    core.start()
    for number in range(3):
        core.send_frame(GROUP, number, 960 * number, b"\xf8opus", ntp=1, now=time.monotonic())
    receiver = TrunkReceiver(keys, 9)
    assert [len(receiver.open(child.recv(2048))) for _ in range(3)] == [1, 2, 3]
    core.close()
    cluster.close()
    child.close()


def test_uplinks_and_children_come_and_go_while_frames_flow():
    stage, relay = Node(), Node()
    stage.core.start()
    relay.core.start()
    for number in range(1, 120):
        child = child_of(stage, relay.cluster.getsockname(), number)
        uplink = uplink_to(relay, number)
        stage.core.send_frame(GROUP, number, 960 * number, b"\xf8opus", ntp=1, now=time.monotonic())
        assert relay.core.uplink_state(uplink) is not None
        if number % 3:
            stage.core.remove_child(child)
            relay.core.remove_uplink(uplink)
    for node in (stage, relay):
        node.close()

"""Trunk ports on real sockets: from a stage through an inner relay to a leaf, native and Python mixed."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import pytest

from stentor.core.outputs import Address
from stentor.core.rtp.packet import parse_rtp
from stentor.core.rtp.rtcp import to_ntp
from stentor.core.stage.program import ProgramFrame
from stentor.net import clock
from stentor.net.fanout import Fanout, PythonFanout
from stentor.net.native_core import CoreConfig, NativeCore
from stentor.net.native_fanout import NativeFanout
from stentor.net.native_trunk import NativeTrunk, bind_cluster_port
from stentor.net.python_trunk import PythonTrunk
from stentor.net.trunk_port import TrunkPort
from stentor.net.udp_endpoint import UdpEndpoint
from support.fanouts import GROUP, make_frame, make_keys, make_spec, opener_of
from support.trunk_nodes import KINDS, trunk_keys

LOOPBACK = ("127.0.0.1", 0)


class Inbox:
    """A listener's socket."""

    def __init__(self) -> None:
        self.taken: asyncio.Queue[bytes] = asyncio.Queue()
        self.endpoint = UdpEndpoint.open(
            LOOPBACK, lambda data, *_: self.taken.put_nowait(data), lambda _: None
        )
        self.opener = opener_of(make_keys(1))

    async def next(self) -> bytes:
        """The payload of the next media packet."""
        async with asyncio.timeout(5.0):
            while True:
                data = await self.taken.get()
                if data[1] == 111:
                    return parse_rtp(self.opener.open_rtp(data)).payload


class Node:
    """A process: a cluster port, and a port that listeners are served from."""

    def __init__(self, kind: str) -> None:
        self.port = UdpEndpoint.open(LOOPBACK, lambda *_: None, lambda _: None)
        self.trunk: TrunkPort
        self.fanout: Fanout
        self.close: Callable[[], None]
        if kind == "native":
            self._open_native()
        else:
            self._open_python()

    def _open_native(self) -> None:
        self.port.stop_reading()
        cluster = bind_cluster_port(LOOPBACK)
        core = NativeCore(
            CoreConfig(shard=1, key_id=1, secret=bytes(32)),
            fd=self.port.fileno,
            trunk_fd=cluster.fileno,
            trunk_ipv6=cluster.ipv6,
        )
        trunk = NativeTrunk(core, cluster)
        self.trunk, self.fanout = trunk, NativeFanout(core, monotonic=clock.monotonic)
        trunk.start()
        core.start()

        def close() -> None:
            trunk.stop()
            core.close()
            cluster.close()

        self.close = close

    def _open_python(self) -> None:
        trunk = PythonTrunk.open(LOOPBACK)
        self.trunk, self.fanout, self.close = trunk, PythonFanout(self.port.send), trunk.close
        trunk.on_frame = self._on_frame

    def _on_frame(self, event: bytes, frame: ProgramFrame, now: float) -> None:
        self.fanout.send_frame(event, frame, ntp=to_ntp(clock.wall()))


def join(parent: Node, child: Node, number: int) -> int:
    """What two ends do once a subscription is in force; the child's handle."""
    uplink = child.trunk.add_uplink(GROUP, number, trunk_keys(number), epoch=1)
    parent.trunk.add_child(GROUP, child.trunk.address, number, trunk_keys(number), epoch=1)
    return uplink


@pytest.mark.parametrize("kinds", list(itertools.product(KINDS, repeat=3)))
async def test_every_frame_of_the_stage_is_heard_two_nodes_further(kinds: tuple[str, str, str]):
    stage, inner, leaf = nodes = [Node(kind) for kind in kinds]
    listener = Inbox()
    try:
        uplinks = [join(stage, inner, 5), join(inner, leaf, 6)]
        leaf.fanout.add_listener(make_spec(1, address=listener.endpoint.address, source=None))
        payloads = [b"\xf8" + bytes((number,)) for number in range(10)]
        for number, payload in enumerate(payloads):
            stage.trunk.send_frame(GROUP, make_frame(number, payload), now=clock.monotonic())
            assert await listener.next() == payload
        for node, uplink in zip((inner, leaf), uplinks, strict=True):
            state = node.trunk.uplink_state(uplink)
            assert state is not None
            assert (state.packets, state.frames, state.lost, state.failures) == (10, 10, 0, 0)
            assert state.heard_at is not None and 0 <= clock.monotonic() - state.heard_at < 5.0
        async with asyncio.timeout(5.0):  # a media thread counts a packet once it has left
            while [  # noqa: ASYNC110 (another thread counts)
                node.trunk.counters().get("trunk_packets_sent", 0) for node in nodes
            ] != [10, 10, 0]:
                await asyncio.sleep(0.005)
    finally:
        listener.endpoint.close()
        for node in nodes:
            node.close()
            node.port.close()


@pytest.mark.parametrize("kinds", list(itertools.product(KINDS, repeat=2)))
async def test_signed_datagrams_go_both_ways_beside_the_stream(kinds: tuple[str, str]):
    one, other = nodes = [Node(kind) for kind in kinds]
    taken: asyncio.Queue[tuple[bytes, Address]] = asyncio.Queue()
    try:
        join(one, other, 5)
        for node in nodes:
            node.trunk.on_control = lambda data, address: taken.put_nowait((data, address))
        one.trunk.send_frame(GROUP, make_frame(0), now=clock.monotonic())
        async with asyncio.timeout(5.0):
            assert one.trunk.send(b"\xc5 subscribe", other.trunk.address)
            assert await taken.get() == (b"\xc5 subscribe", one.trunk.address)
            assert other.trunk.send(b"\xc5 yes", one.trunk.address)
            assert await taken.get() == (b"\xc5 yes", other.trunk.address)
        assert not one.trunk.send(b"\xc5", ("127.0.0.1", 0))
    finally:
        for node in nodes:
            node.close()
            node.port.close()

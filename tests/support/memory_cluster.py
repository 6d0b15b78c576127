"""Stages and relays with everything between their sockets real: mesh, trunk, leases' holders, fan-outs.

Datagrams travel in memory and time is virtual (`virtual_loop`). Every one that leaves is noted in a ledger.
"""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field

from stentor.core.mesh.envelope import control_key
from stentor.core.mesh.messages import WhoIsStage
from stentor.core.outputs import Address
from stentor.core.rtp.rtcp import to_ntp
from stentor.core.stage.program import ProgramFrame
from stentor.core.topology.relay_tree import RelayTree, TreeNode
from stentor.core.topology.stage_order import stage_order
from stentor.core.trunk.epochs import Epochs
from stentor.core.trunk.subscribers import Subscribers
from stentor.net import clock
from stentor.net.fanout import Fanout, PythonFanout
from stentor.net.mesh_port import MeshPort
from stentor.net.native_core import CoreConfig, NativeCore, Ring, UpKind
from stentor.net.native_fanout import NativeFanout
from stentor.net.native_trunk import NativeTrunk
from stentor.net.python_trunk import PythonTrunk
from stentor.net.trunk_children import TrunkChildren
from stentor.net.trunk_port import TrunkPort
from stentor.relay.uplinks import Uplinks
from stentor.stage.lead import StageLead
from stentor.stage.stage import Stage
from support.fanouts import make_keys, make_spec
from support.ledger import Ledger
from support.memory_leases import LeaseStore, MemoryLeases
from support.memory_wire import Wire, watch_rows

SECRET = b"s" * 32
EVENT = b"event--1"
EVENT_ID = "the event"
HOST = b"\xf8" + bytes(40)  # a packet of 20 ms (RFC 6716 section 3.1)


@dataclass(slots=True)
class Views:
    """`LeadViews` of one stage."""

    cluster: MemoryCluster
    node: bytes
    knows: bool = True
    over: bool = False

    def id_of(self, event: bytes) -> str | None:
        return EVENT_ID if self.knows else None

    def is_over(self, event: bytes) -> bool:
        return self.over

    def place_of(self, event: bytes) -> int:
        return stage_order(event, [stage.node for stage in self.cluster.stages]).index(self.node)

    def stages(self) -> list[Address]:
        return [stage.address for stage in self.cluster.stages if stage.node != self.node]

    def others(self) -> list[Address]:
        return [*self.stages(), *(relay.address for relay in self.cluster.relays)]

    def link_of(self, node: bytes) -> Address | None:
        return next((stage.address for stage in self.cluster.stages if stage.node == node), None)


class StageSeat:
    """A stage node. `source`, once set, is a host that talks."""

    def __init__(self, cluster: MemoryCluster, number: int, life: int) -> None:
        self.node = b"st%02d" % number + life.to_bytes(4, "big")
        self.address: Address = (f"10.0.1.{number}", 7000)
        self.sent_away = 0
        """How often its publisher was."""
        self._wire = cluster.wire
        self.trunk = PythonTrunk(lambda data, to: cluster.wire.carry(data, self.address, to))
        watch_rows(self.trunk, self.address, cluster.wire.ledger)
        cluster.wire.attach(
            self.address,
            lambda data, source: self.trunk.receive_datagram(data, source, now=clock.monotonic()),
        )
        self.mesh = MeshPort(self.node, control_key(SECRET), self.trunk.send, link=self.address)
        self.trunk.on_control = self.mesh.on_datagram
        self.stage = Stage([self], on_heard=lambda event: None)
        self.leases = MemoryLeases(cluster.store)
        self.views = Views(cluster, self.node)
        epochs = Epochs()
        self.lead = StageLead(
            self.stage,
            self.leases,
            epochs,
            self.mesh,
            self.views,
            link=self.address,
            end_publisher=self._end_publisher,
        )
        self.lead.children = self.children = TrunkChildren(
            Subscribers(self.node, SECRET, epochs),
            self.mesh,
            self.trunk,
            on_wanted=self.lead.wanted,
            on_overtaken=self.lead.overtaken,
        )
        self.children.start()
        self.lead.start()
        self._host: asyncio.Task[None] | None = None
        self._sources = itertools.count(1)

    @property
    def epoch(self) -> int:
        """0: it does not lead the event."""
        return self.lead.epoch_of(EVENT)

    @property
    def has_host(self) -> bool:
        """Whether its publisher is there."""
        return self._host is not None

    def frame(self, event: bytes, frame: ProgramFrame, *, now: float) -> None:
        """`FrameSink`."""
        if self.lead.epoch_of(event):
            self.trunk.send_frame(event, frame, now=now)

    def host_comes(self) -> None:
        """A publisher connects and talks."""
        self.host_goes()
        source = b"source%02d" % next(self._sources)
        self.lead.open_source(EVENT, source, now=clock.monotonic())
        self._host = asyncio.get_running_loop().create_task(self._talk(source))

    def host_goes(self) -> None:
        """It hangs up, if there is one."""
        if self._host is not None:
            self._host.cancel()
            self._host = None

    async def stop(self) -> None:
        """As on SIGTERM."""
        await self.lead.stop()
        self.stage.stop()
        await self.children.stop()
        self.mesh.stop()

    async def die(self) -> None:
        """As by kill -9: nobody hears of it."""
        self._wire.detach(self.address)
        self._wire.isolated.add(self.address)
        self.leases.is_away = True
        self.host_goes()
        await self.stop()
        self._wire.isolated.discard(self.address)

    async def _talk(self, source: bytes) -> None:
        try:
            for number in itertools.count():
                now = clock.monotonic()
                self.lead.receive(EVENT, source, number & 0xFFFF, 960 * number, HOST, now=now)
                await asyncio.sleep(0.02)
        finally:
            self.lead.close_source(EVENT, source, now=clock.monotonic())

    def _end_publisher(self, event: bytes) -> None:
        self.sent_away += self.has_host
        self.host_goes()


@dataclass(slots=True)
class _Endpoint:
    """What `NativeTrunk` needs of a socket."""

    address: Address
    wire: Wire

    def send(self, data: bytes, to: Address, source: str | None) -> bool:
        return self.wire.carry(data, self.address, to)


class RelaySeat:
    """A relay node with listeners, native or of Python."""

    def __init__(self, cluster: MemoryCluster, number: int, life: int, kind: str) -> None:
        self.node = b"re%02d" % number + life.to_bytes(4, "big")
        self.kind = kind
        self.address: Address = (f"10.0.2.{number}", 7000)
        self.heard = 0
        """Packets to listeners, of frames that a parent brought."""
        self._cluster = cluster
        self._wire = cluster.wire
        self._core: NativeCore | None = None
        self.trunk: TrunkPort
        self.fanout: Fanout
        if kind == "native":
            config = CoreConfig(shard=number, key_id=1, secret=bytes(32), spread=0.0)
            self._core = NativeCore(config, trunk_fd=-1, capture=True)
            self.fanout = NativeFanout(self._core, monotonic=clock.monotonic)
            self.trunk = NativeTrunk(self._core, _Endpoint(self.address, self._wire))  # type: ignore[arg-type]
        else:
            self.fanout = PythonFanout(lambda data, to, _: self._leaves(data, to))
            self.trunk = PythonTrunk(self._leaves)
            self.trunk.on_frame = self._on_frame
        watch_rows(self.trunk, self.address, self._wire.ledger)
        self._wire.attach(self.address, self._receive)
        self.mesh = MeshPort(self.node, control_key(SECRET), self.trunk.send, link=self.address)
        self.trunk.on_control = self.mesh.on_datagram
        self.uplinks = Uplinks(
            self.node, SECRET, self.mesh, self.trunk, port=self.address[1], ask_stages=self._ask_stages
        )
        self.uplinks.tree = RelayTree(fanout=cluster.fanout)
        self.uplinks.start()
        self._rows: list[int] = []
        self._listening: asyncio.Task[None] | None = None
        self._ticker = asyncio.get_running_loop().create_task(self._tick_forever())

    def listen(self) -> None:
        """There are listeners of the event, and will be."""
        self.add_listener()
        self._listening = asyncio.get_running_loop().create_task(self._subscribe())

    def add_listener(self) -> None:
        """One more, with keys of its own."""
        number = next(self._cluster.listeners)
        spec = make_spec(number, group=EVENT, keys=make_keys(number), source=None, first_sequence=32_700)
        self._wire.ledger.listener(spec)
        self._rows.append(self.fanout.add_listener(spec))

    def drop_listener(self) -> None:
        """The oldest goes, unless it is the last."""
        if len(self._rows) > 1:
            self.fanout.remove_listener(self._rows.pop(0))

    async def die(self) -> None:
        """As by kill -9."""
        self._wire.detach(self.address)
        self._wire.isolated.add(self.address)
        self._ticker.cancel()
        if self._listening is not None:
            self._listening.cancel()
        await self.uplinks.stop()
        self.mesh.stop()
        if self._core is not None:
            self._core.close()
            self._core = None
        self._wire.isolated.discard(self.address)

    # -- inside -------------------------------------------------------------------------------------------

    async def _subscribe(self) -> None:
        while True:
            self.uplinks.subscribe(EVENT, now=clock.monotonic())
            await asyncio.sleep(1.0)

    def _ask_stages(self, event: bytes) -> None:
        for stage in self._cluster.stages:
            self.mesh.tell(WhoIsStage(event, self.uplinks.epoch_of(event)), stage.address)

    def _receive(self, data: bytes, source: Address) -> None:
        now = clock.monotonic()
        if self._core is None:
            assert isinstance(self.trunk, PythonTrunk)
            self.trunk.receive_datagram(data, source, now=now)
            return
        self._core.step(now)
        self._core.inject_trunk(data, source, now=now)
        self._step(self._core, now)

    def _step(self, core: NativeCore, now: float) -> None:
        core.step(now)
        for sent, to, _ in core.take_captured():
            self._leaves(sent, to)
        core.clear_trunk_wake()
        for record in core.take(Ring.TRUNK):
            if record.kind == UpKind.SILENCE:
                self.trunk.on_silence(record.data)
            else:
                self.mesh.on_datagram(record.data, record.address)

    async def _tick_forever(self) -> None:
        """What the media thread does between datagrams."""
        while True:
            await asyncio.sleep(0.02)
            heard = self.heard
            if self._core is not None:
                self._step(self._core, clock.monotonic())
                self._step(self._core, clock.monotonic())  # what a tick makes leaves in the next turn
            elif isinstance(self.trunk, PythonTrunk):
                self.trunk.tick(clock.monotonic())
            self.heard = heard  # silence of our own, while nobody feeds us

    def _on_frame(self, event: bytes, frame: ProgramFrame, now: float) -> None:
        self.fanout.send_frame(event, frame, ntp=to_ntp(now))

    def _leaves(self, data: bytes, to: Address) -> bool:
        self.heard += to[0].startswith("198.")
        return self._wire.carry(data, self.address, to)


@dataclass(slots=True)
class MemoryCluster:
    """`open` it on a running loop."""

    fanout: int = 64
    wire: Wire = field(default_factory=lambda: Wire(Ledger()))
    store: LeaseStore = field(default_factory=LeaseStore)
    stages: list[StageSeat] = field(default_factory=list)
    relays: list[RelaySeat] = field(default_factory=list)
    listeners: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _lives: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def open(self, *, stages: int, relays: tuple[str, ...] = ()) -> MemoryCluster:
        """So many stages, and relays of these kinds."""
        self.stages = [StageSeat(self, number, next(self._lives)) for number in range(stages)]
        self.relays = [RelaySeat(self, number, next(self._lives), kind) for number, kind in enumerate(relays)]
        self.tell_directory()
        return self

    def tell_directory(self) -> None:
        """Everybody reads the directory."""
        version = next(self._lives)
        nodes = [TreeNode(relay.node, relay.address) for relay in self.relays]
        for relay in self.relays:
            relay.uplinks.on_directory(nodes, version)

    async def restart_stage(self, number: int) -> None:
        """kill -9, and another life at the same address."""
        await self.stages[number].die()
        self.stages[number] = StageSeat(self, number, next(self._lives))

    async def restart_relay(self, number: int) -> None:
        """The same for a relay; its listeners are gone, new ones come."""
        await self.relays[number].die()
        self.relays[number] = RelaySeat(self, number, next(self._lives), self.relays[number].kind)
        self.tell_directory()
        self.relays[number].listen()

    @property
    def leaders(self) -> list[StageSeat]:
        """Stages that believe that they lead."""
        return [stage for stage in self.stages if stage.epoch]

    async def close(self) -> None:
        """End everything."""
        for relay in self.relays:
            await relay.die()
        for stage in self.stages:
            await stage.die()

"""A cluster of relays in virtual time: the real trunk classes, a network that delays and loses, deaths.

Audio is not simulated packet by packet: a stream flows while its row is there and the parent's own stream
flows, and `last_packet` says until when it did.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from random import Random

from stentor.core.mesh.messages import Subscribe, SubscribeAck, Unsubscribe
from stentor.core.outputs import Address
from stentor.core.topology.relay_tree import RelayTree, TreeNode
from stentor.core.trunk.epochs import Epochs
from stentor.core.trunk.link import SILENCE
from stentor.core.trunk.notices import AddRow, InstallUplink, RemoveRow, RemoveUplink, Send, Wanted
from stentor.core.trunk.subscribers import Standing, Subscribers
from stentor.core.trunk.uplink import Uplink

EVENT = b"event..1"
SECRET = b"s" * 32
NEVER = float("inf")


@dataclass(slots=True)
class Stream:
    """A row at a parent."""

    parent: Node
    key: bytes
    began: float
    ended: float = NEVER


@dataclass(slots=True)
class Node:
    """A relay, or a stage when it has no uplink."""

    place: TreeNode
    subscribers: Subscribers
    epochs: Epochs
    uplink: Uplink | None = None
    died: float = NEVER
    due: float = NEVER
    served: tuple[Standing, int] | None = None
    streams: dict[int, Stream] = field(default_factory=dict)
    """What parents send us, by SSRC."""
    keys: dict[int, bytes] = field(default_factory=dict)
    """What we have installed."""
    silent_since: float | None = None


class Cluster:
    """All nodes, the messages between them, and time."""

    def __init__(self, size: int, *, seed: int, loss: float, delay: float, jitter: float) -> None:
        """`loss`: share of control messages; `delay` and `jitter` in seconds, the latter evenly spread."""
        self.chance = Random(seed)
        self.now = 1000.0
        self.loss, self.delay, self.jitter = loss, delay, jitter
        self.nodes: dict[bytes, Node] = {}
        self.by_address: dict[Address, Node] = {}
        self.gaps: list[float] = []
        """Seconds each silence lasted that a relay heard."""
        self.most_children = 0
        self.messages = 0
        self._order = count()
        self._events: list[tuple[float, int, Node, Node | None, object]] = []
        self._size = size

    # -- building -----------------------------------------------------------------------------------------

    def add_relays(self, trees: list[RelayTree], *, within: float) -> None:
        """All relays with one of `trees` each; they begin to listen at random times `within` seconds."""
        for number in range(self._size):
            node = self._add((f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 7000))
            node.uplink = Uplink(
                EVENT,
                node.place.node,
                SECRET,
                self.chance.choice(trees),
                node.epochs,
                stream_port=7001,
                random_bytes=self.chance.randbytes,
            )
            self._push(self.now + within * self.chance.random(), node, None, "start")

    def add_stage(self, number: int, epoch: int) -> Node:
        """A stage; nobody knows it yet."""
        node = self._add((f"10.255.0.{number}", 7000))
        node.subscribers.serve(EVENT, Standing.STAGE, epoch=epoch, stage=node.place.node, now=self.now)
        node.epochs.see(EVENT, epoch)
        return node

    def announce(self, stage: Node, epoch: int) -> None:
        """Tell every relay who the stage is."""
        for node in self.nodes.values():
            if node.uplink is not None:
                self._push(self._arrival(), node, None, (epoch, stage.place))

    def relays(self) -> list[Node]:
        """Those alive."""
        return [node for node in self.nodes.values() if node.uplink is not None and node.died == NEVER]

    def places(self) -> list[TreeNode]:
        """Of those alive."""
        return [node.place for node in self.relays()]

    def kill(self, node: Node) -> None:
        """It says and does nothing any more."""
        node.died = self.now

    def directory_changed(self) -> None:
        """The trees were given another copy."""
        for node in self.relays():
            self._push(self.now + self.chance.random(), node, None, "directory")

    # -- running ------------------------------------------------------------------------------------------

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self._events and self._events[0][0] <= end:
            self.now, _, node, sender, what = heapq.heappop(self._events)
            if node.died == NEVER and not (what == "poll" and node.due != self.now):
                self._happen(node, sender, what)
        self.now = end

    def check_shape(self) -> int:
        """No loop among those who feed each other; the depth of the tree. Raises AssertionError."""
        depth = 0
        for node in self.relays():
            seen, at = {node.place.node}, node
            while at.uplink is not None and at.uplink.parent is not None:
                at = self.nodes[at.uplink.parent]
                assert at.place.node not in seen, "a loop"
                seen.add(at.place.node)
            depth = max(depth, len(seen) - 1)
        return depth

    def silent(self) -> list[Node]:
        """Relays that hear nothing now."""
        return [node for node in self.relays() if self._heard_at(node) < self.now]

    # -- inside -------------------------------------------------------------------------------------------

    def _add(self, address: Address) -> Node:
        place, epochs = TreeNode(self.chance.randbytes(8), address), Epochs()
        node = Node(place, Subscribers(place.node, SECRET, epochs), epochs)
        self.nodes[place.node] = self.by_address[address] = node
        return node

    def _push(self, at: float, node: Node, sender: Node | None, what: object) -> None:
        heapq.heappush(self._events, (at, next(self._order), node, sender, what))

    def _arrival(self) -> float:
        return self.now + self.delay + self.jitter * self.chance.random()

    def _happen(self, node: Node, sender: Node | None, what: object) -> None:
        uplink, now = node.uplink, self.now
        if isinstance(what, Subscribe):
            assert sender is not None
            nonce = self.chance.randbytes(16)
            address = sender.place.address
            self._act(node, node.subscribers.on_subscribe(what, sender.place.node, address, now, nonce))
        elif isinstance(what, Unsubscribe):
            assert sender is not None
            self._act(node, node.subscribers.on_unsubscribe(what, sender.place.node))
        elif uplink is not None:
            self._hear(node, uplink)
            match what:
                case SubscribeAck():
                    assert sender is not None
                    self._act(node, uplink.on_ack(what, sender.place.node, now))
                case (int(epoch), TreeNode() as stage):
                    self._act(node, uplink.on_stage(epoch, stage, now))
                case "start":
                    self._act(node, uplink.start(now))
                case "directory":
                    self._act(node, uplink.on_directory(now))
            self._act(node, uplink.poll(now))
            self._serve(node, uplink)
        self._act(node, node.subscribers.poll(now))
        self._plan(node)

    def _plan(self, node: Node) -> None:
        due = node.subscribers.next_due()
        if node.uplink is not None:
            due = min(due, node.uplink.next_due())
            silent = self._heard_at(node) + SILENCE  # when the media core says so, should nothing come
            if silent > self.now:
                due = min(due, silent)
            if len(node.uplink.ssrcs) == 2:  # a shell looks every 20 to 50 ms whether the other one flows
                due = min(due, self.now + 0.05)
        due = max(due, self.now + 0.005)
        if due < NEVER and not self.now < node.due <= due:
            node.due = due
            self._push(due, node, None, "poll")

    def _serve(self, node: Node, uplink: Uplink) -> None:
        served = (uplink.standing(self.now), uplink.epoch)
        if served != node.served:
            node.served = served
            standing, epoch = served
            self._act(
                node,
                node.subscribers.serve(EVENT, standing, epoch=epoch, stage=uplink.stage, now=self.now),
            )

    def _hear(self, node: Node, uplink: Uplink) -> None:
        times = {ssrc: self._last_packet(node, ssrc) for ssrc in uplink.ssrcs}
        newest = max((at for at in times.values() if at is not None), default=None)
        if newest == self.now and node.silent_since is not None:
            self.gaps.append(newest - node.silent_since)
            node.silent_since = None
        elif newest is not None and newest < self.now and node.silent_since is None:
            node.silent_since = newest
        for ssrc, at in times.items():
            self._act(node, uplink.on_packet_time(ssrc, at, self.now))

    def _heard_at(self, node: Node) -> float:
        if node.uplink is None:
            return min(self.now, node.died)
        return max((self._last_packet(node, ssrc) or 0.0 for ssrc in node.keys), default=0.0)

    def _last_packet(self, node: Node, ssrc: int) -> float | None:
        stream = node.streams.get(ssrc)
        if stream is None or stream.key != node.keys.get(ssrc):
            return None
        until = min(self.now, stream.ended, stream.parent.died, self._heard_at(stream.parent))
        return until if until >= stream.began + 0.02 else None

    def _act(self, node: Node, outputs: Iterable[object]) -> None:
        for output in outputs:
            match output:
                case Send():
                    self.messages += 1
                    if self.chance.random() >= self.loss:
                        self._push(self._arrival(), self.by_address[output.to], node, output.message)
                case InstallUplink():
                    node.keys[output.ssrc] = output.keys.key
                    assert len(node.keys) <= 2
                case RemoveUplink():
                    del node.keys[output.ssrc]
                    node.streams.pop(output.ssrc, None)
                case AddRow():
                    child = self.nodes[output.child]
                    child.streams[output.ssrc] = Stream(node, output.keys.key, self._arrival())
                    children = node.subscribers.children(EVENT)
                    if node.uplink is not None:
                        self.most_children = max(self.most_children, children)
                case RemoveRow():
                    stream = self.nodes[output.child].streams.get(output.ssrc)
                    if stream is not None:
                        stream.ended = min(stream.ended, self.now)
                case Wanted() if node.uplink is not None:
                    self._serve(node, node.uplink)

"""Nodes of a trunk without sockets: the native core's in step mode, and its Python twin, behind one face."""

from __future__ import annotations

from stentor.core.outputs import Address
from stentor.core.rtp.rtcp import to_ntp
from stentor.core.stage.program import ProgramFrame
from stentor.core.trunk.join import nanoseconds
from stentor.core.trunk.keys import TrunkKeys
from stentor.core.webrtc.demux import Kind, classify
from stentor.net.fanout import Fanout, PythonFanout
from stentor.net.native_core import CoreConfig, NativeCore, Ring, UpKind
from stentor.net.native_fanout import NativeFanout
from stentor.net.python_trunk import PythonTrunk
from stentor.net.trunk_port import ChildState, UplinkState
from support.fanouts import GROUP, make_spec

KINDS = ("native", "python")
PARENT: Address = ("192.0.2.9", 7000)
LISTENERS = "198.51.100.1"  # host of `support.fanouts.make_spec`; children are elsewhere

Sent = tuple[Address, bytes]


def trunk_keys(number: int) -> TrunkKeys:
    """Keys that differ by number."""
    return TrunkKeys(
        bytes((number + i) & 0xFF for i in range(16)), bytes(range(number % 200, number % 200 + 12))
    )


def child_address(number: int) -> Address:
    """Where child `number` is."""
    return (f"10.0.{number // 256}.{number % 256}", 7000)


class TrunkNode:
    """One node, whose time is set by the test."""

    def __init__(self, kind: str) -> None:
        self.now = 1000.0
        self.sent: list[Sent] = []
        """Everything but sender reports, in the order in which it left."""
        self.heard: list[ProgramFrame] = []
        """Frames for listeners; of the twin alone."""
        self.control: list[tuple[bytes, Address]] = []
        """Signed datagrams."""
        self.silent: list[bytes] = []
        """Events that fell silent."""
        self.core: NativeCore | None = None
        self._tick_at = 0
        self.fanout: Fanout
        if kind == "native":
            config = CoreConfig(shard=1, key_id=1, secret=bytes(32), spread=0.0)
            self.core = NativeCore(config, trunk_fd=-1, capture=True)
            self.fanout = NativeFanout(self.core, monotonic=lambda: self.now)
        else:
            self.trunk = PythonTrunk(lambda data, to: self._note(data, to))
            self.fanout = PythonFanout(lambda data, to, source: self._note(data, to))
            self.trunk.on_frame = self._on_frame
            self.trunk.on_control = lambda data, address: self.control.append((data, address))
            self.trunk.on_silence = self.silent.append

    def close(self) -> None:
        """Free the core."""
        if self.core is not None:
            self.core.close()

    # -- streams ------------------------------------------------------------------------------------------

    def add_uplink(self, number: int, *, event: bytes = GROUP, epoch: int = 1) -> int:
        """From a parent; the number is the SSRC and names the keys."""
        keys = trunk_keys(number)
        if self.core is None:
            return self.trunk.add_uplink(event, number, keys, epoch=epoch)
        return self.core.add_uplink(event, number, keys.key, keys.salt, epoch=epoch)

    def remove_uplink(self, uplink: int) -> None:
        """No more of it."""
        (self.trunk if self.core is None else self.core).remove_uplink(uplink)

    def uplink_state(self, uplink: int) -> UplinkState | None:
        """What has come."""
        return (self.trunk if self.core is None else self.core).uplink_state(uplink)

    def add_child(self, number: int, *, event: bytes = GROUP, epoch: int = 1) -> int:
        """To a child at `child_address(number)`; the number is the SSRC and names the keys."""
        keys, to = trunk_keys(number), child_address(number)
        if self.core is None:
            return self.trunk.add_child(event, to, number, keys, epoch=epoch)
        return self.core.add_child(event, to, number, keys.key, keys.salt, epoch=epoch)

    def remove_child(self, child: int) -> None:
        """No more to it."""
        (self.trunk if self.core is None else self.core).remove_child(child)

    def child_state(self, child: int) -> ChildState | None:
        """What was sent."""
        return (self.trunk if self.core is None else self.core).child_state(child)

    def add_listener(self, number: int = 1, *, event: bytes = GROUP) -> int:
        """A listener of the event, who gets one packet for each frame."""
        return self.fanout.add_listener(make_spec(number, source=None, group=event))

    # -- what happens -------------------------------------------------------------------------------------

    def step(self, seconds: float = 0.0) -> None:
        """Time goes by."""
        self.now += seconds
        if self.core is None:
            self._tick()
            return
        self.core.step(self.now)
        self.core.step(self.now)  # what the first one's tick made leaves in the next turn
        self._collect()

    def receive(self, data: bytes) -> None:
        """A datagram of the cluster socket."""
        if self.core is None:
            self._tick()
            self.trunk.receive_datagram(data, PARENT, now=self.now)
            return
        self.core.step(self.now)
        self.core.inject_trunk(data, PARENT, now=self.now)
        self.core.step(self.now)
        self._collect()

    def frame(self, frame: ProgramFrame, *, event: bytes = GROUP) -> None:
        """A frame of a stage in this node."""
        if self.core is None:
            self.trunk.send_frame(event, frame, now=self.now)
        self.fanout.send_frame(event, frame, ntp=to_ntp(self.now))
        self.step()

    def take_sent(self) -> list[Sent]:
        """What has left since the last call."""
        sent, self.sent = self.sent, []
        return sent

    def to_child(self, number: int) -> list[bytes]:
        """What has left for a child so far."""
        return [data for to, data in self.sent if to == child_address(number)]

    def to_listeners(self) -> list[bytes]:
        """What has left for listeners so far."""
        return [data for to, data in self.sent if to[0] == LISTENERS]

    def counters(self) -> dict[str, int]:
        """Those of the trunk that are not 0."""
        found = self.trunk.counters() if self.core is None else self.core.counters()
        return {name: number for name, number in found.items() if name.startswith("trunk") and number}

    # -- inside -------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        """The twin's, as often as the core has one."""
        if nanoseconds(self.now) >= self._tick_at:
            self._tick_at = nanoseconds(self.now) + 20_000_000
            self.trunk.tick(self.now)

    def _on_frame(self, event: bytes, frame: ProgramFrame, now: float) -> None:
        self.heard.append(frame)
        self.fanout.send_frame(event, frame, ntp=to_ntp(now))

    def _note(self, data: bytes, to: Address) -> bool:
        if classify(data) is not Kind.RTCP:
            self.sent.append((to, data))
        return True

    def _collect(self) -> None:
        assert self.core is not None
        for data, to, _ in self.core.take_captured():
            self._note(data, to)
        self.core.clear_trunk_wake()
        for record in self.core.take(Ring.TRUNK):
            if record.kind == UpKind.SILENCE:
                self.silent.append(record.data)
            else:
                self.control.append((record.data, record.address))

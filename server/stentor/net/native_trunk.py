"""`TrunkPort` over the native media core: frames never come to Python, signed datagrams do."""

from __future__ import annotations

import asyncio

from stentor.core.outputs import Address
from stentor.core.rtp.rtcp import to_ntp
from stentor.core.stage.program import ProgramFrame
from stentor.core.trunk.keys import TrunkKeys
from stentor.net import clock
from stentor.net.native_core import NativeCore, Ring, UpKind
from stentor.net.trunk_port import ChildState, OnControl, OnFrame, OnSilence, UplinkState
from stentor.net.udp_endpoint import UdpEndpoint


def bind_cluster_port(address: Address) -> UdpEndpoint:
    """The socket for `NativeCore(trunk_fd=..., trunk_ipv6=...)`; nobody else reads it. Raises OSError."""
    endpoint = UdpEndpoint.open(address, lambda data, sender, source: None, lambda drops: None)
    endpoint.stop_reading()
    return endpoint


class NativeTrunk:
    """`start` before or after the core's thread; `stop` before the core is closed, the endpoint after it.

    The core's own start and end are not its business: a relay's `NativePort` sees to them, and a stage
    without listeners opens a core with a cluster socket alone and starts it.
    """

    gives_frames = False

    def __init__(self, core: NativeCore, endpoint: UdpEndpoint) -> None:
        """`endpoint`: what `bind_cluster_port` gave, and the core was opened with."""
        self.on_control: OnControl = lambda data, address: None
        self.on_silence: OnSilence = lambda event: None
        self.on_frame: OnFrame = lambda event, frame, now: None
        self._core = core
        self._endpoint = endpoint
        self._loop = asyncio.get_running_loop()

    def start(self) -> None:
        """Begin to take signed datagrams."""
        self._loop.add_reader(self._core.trunk_wake_fd, self._on_wake)

    def stop(self) -> None:
        """Take no more."""
        self._loop.remove_reader(self._core.trunk_wake_fd)

    @property
    def address(self) -> Address:
        """See `TrunkPort.address`."""
        return self._endpoint.address

    def add_uplink(self, event: bytes, ssrc: int, keys: TrunkKeys, *, epoch: int) -> int:
        """See `TrunkPort.add_uplink`."""
        return self._core.add_uplink(event, ssrc, keys.key, keys.salt, epoch=epoch)

    def remove_uplink(self, uplink: int) -> None:
        """See `TrunkPort.remove_uplink`."""
        self._core.remove_uplink(uplink)

    def uplink_state(self, uplink: int) -> UplinkState | None:
        """See `TrunkPort.uplink_state`."""
        return self._core.uplink_state(uplink)

    def add_child(self, event: bytes, address: Address, ssrc: int, keys: TrunkKeys, *, epoch: int) -> int:
        """See `TrunkPort.add_child`."""
        return self._core.add_child(event, address, ssrc, keys.key, keys.salt, epoch=epoch)

    def remove_child(self, child: int) -> None:
        """See `TrunkPort.remove_child`."""
        self._core.remove_child(child)

    def child_state(self, child: int) -> ChildState | None:
        """See `TrunkPort.child_state`."""
        return self._core.child_state(child)

    def send_frame(self, event: bytes, frame: ProgramFrame, *, now: float) -> None:
        """See `TrunkPort.send_frame`."""
        ntp = to_ntp(clock.wall())
        self._core.send_frame(event, frame.sequence, frame.timestamp, frame.payload, ntp=ntp, now=now)

    def send(self, data: bytes, to: Address) -> bool:
        """See `TrunkPort.send`."""
        return self._endpoint.send(data, to, None)

    def counters(self) -> dict[str, int]:
        """See `TrunkPort.counters`."""
        return {name: number for name, number in self._core.counters().items() if name.startswith("trunk")}

    def _on_wake(self) -> None:
        """The core bounds what comes: 256 datagrams in 20 ms."""
        self._core.clear_trunk_wake()
        for record in self._core.take(Ring.TRUNK):
            if record.kind == UpKind.SILENCE:
                self.on_silence(record.data)
            else:
                self.on_control(record.data, record.address)

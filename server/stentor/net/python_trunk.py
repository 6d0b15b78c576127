"""The Python twin of the native core's trunk: the reference for what every packet must look like."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from itertools import count

from stentor.core.errors import LocalError
from stentor.core.outputs import Address
from stentor.core.rtp.packet import HEADER_LENGTH
from stentor.core.stage.program import ProgramFrame
from stentor.core.trunk.join import ProgramJoin
from stentor.core.trunk.keys import PROFILE, TrunkKeys
from stentor.core.trunk.link import SILENCE
from stentor.core.trunk.packet import TrunkError, TrunkReceiver, TrunkSender
from stentor.net import clock
from stentor.net.trunk_port import CONTROL_BYTE, ChildState, OnControl, OnFrame, OnSilence, UplinkState
from stentor.net.udp_endpoint import UdpEndpoint

MAX_UPLINKS = 4096  # one for each event that is listened to, two while it changes parents
MAX_CHILDREN = 16384  # of all events
MAX_PROGRAMS = 4096  # events remembered, so that their listeners' numbers go on

_SHORTEST = HEADER_LENGTH + PROFILE.tag_length
TICK = 0.02  # seconds, a frame


class _Uplink:
    def __init__(self, program: _Program, ssrc: int, keys: TrunkKeys, epoch: int) -> None:
        self.program = program
        self.ssrc = ssrc
        self.epoch = epoch
        self.receiver = TrunkReceiver(keys, ssrc)
        self.heard_at: float | None = None
        self.seen: Counter[str] = Counter()

    def state(self) -> UplinkState:
        failures = self.receiver.auth_failures + self.receiver.replays
        return UplinkState(self.heard_at, **self.seen, failures=failures)


class _Child:
    def __init__(self, address: Address, ssrc: int, keys: TrunkKeys, epoch: int) -> None:
        self.address = address
        self.epoch = epoch
        self.packets = self.octets = self.unsent = 0
        self._ssrc = ssrc
        self._keys = keys
        self._last: int | None = None
        self._sender: TrunkSender

    def seal(self, frame: ProgramFrame) -> bytes | None:
        """Its packet; None for a frame that is not after the last: an SRTP index is never used twice."""
        if self._last is None:
            self._sender = TrunkSender(self._keys, self._ssrc, frame.sequence)
        elif frame.sequence <= self._last:
            return None
        self._last = frame.sequence
        data = self._sender.seal(frame)
        self.packets += 1
        self.octets += len(data)
        return data


class _Program:
    """One event."""

    def __init__(self, event: bytes) -> None:
        self.event = event
        self.join = ProgramJoin()
        self.uplinks = 0
        self.heard_at: float | None = None  # by any of them, None once the silence after it was told of
        self.children: dict[int, _Child] = {}
        self.newest: int | None = None  # sequence of `send_frame`


class PythonTrunk:
    """The twin: clear rather than fast."""

    gives_frames = True

    def __init__(self, send: Callable[[bytes, Address], bool]) -> None:
        """`send`: hands a datagram to the kernel."""
        self.on_control: OnControl = lambda data, address: None
        self.on_silence: OnSilence = lambda event: None
        self.on_frame: OnFrame = lambda event, frame, now: None
        self._send = send
        self._endpoint: UdpEndpoint | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._handles = count(1)
        self._programs: dict[bytes, _Program] = {}
        self._uplinks: dict[int, _Uplink] = {}
        self._by_ssrc: dict[int, _Uplink] = {}
        self._children: dict[int, _Program] = {}
        self._counted: Counter[str] = Counter()

    @classmethod
    def open(cls, address: Address) -> PythonTrunk:
        """Bind the cluster port and read from it on the running loop. Raises OSError when it is taken."""
        trunk = cls(lambda data, to: endpoint.send(data, to, None))
        endpoint = UdpEndpoint.open(
            address,
            lambda data, sender, _: trunk.receive_datagram(data, sender, now=clock.monotonic()),
            lambda drops: trunk._counted.update({"trunk receive queue": drops}),
        )
        trunk._endpoint = endpoint
        return trunk

    def close(self) -> None:
        """Let the port go."""
        if self._ticker is not None:
            self._ticker.cancel()
        if self._endpoint is not None:
            self._endpoint.close()

    @property
    def address(self) -> Address:
        """See `TrunkPort.address`."""
        if self._endpoint is None:
            raise LocalError("this trunk has no port of its own")
        return self._endpoint.address

    # -- streams ------------------------------------------------------------------------------------------

    def add_uplink(self, event: bytes, ssrc: int, keys: TrunkKeys, *, epoch: int) -> int:
        """See `TrunkPort.add_uplink`."""
        if ssrc in self._by_ssrc or len(self._uplinks) >= MAX_UPLINKS:
            raise LocalError("trunk: no room for another uplink, or its SSRC is in use")
        program = self._program(event)
        program.uplinks += 1
        if self._ticker is None and self._endpoint is not None:  # a stage or a gateway has nothing to fill
            self._ticker = asyncio.get_running_loop().create_task(self._tick_forever(), name="trunk")
        handle = next(self._handles)
        self._uplinks[handle] = self._by_ssrc[ssrc] = _Uplink(program, ssrc, keys, epoch)
        return handle

    def remove_uplink(self, uplink: int) -> None:
        """See `TrunkPort.remove_uplink`."""
        gone = self._uplinks.pop(uplink, None)
        if gone is not None:
            del self._by_ssrc[gone.ssrc]
            gone.program.uplinks -= 1

    def uplink_state(self, uplink: int) -> UplinkState | None:
        """See `TrunkPort.uplink_state`."""
        found = self._uplinks.get(uplink)
        return None if found is None else found.state()

    def add_child(self, event: bytes, address: Address, ssrc: int, keys: TrunkKeys, *, epoch: int) -> int:
        """See `TrunkPort.add_child`."""
        if len(self._children) >= MAX_CHILDREN:
            raise LocalError("trunk: no room for another child")
        program = self._program(event)
        handle = next(self._handles)
        program.children[handle] = _Child(address, ssrc, keys, epoch)
        self._children[handle] = program
        return handle

    def remove_child(self, child: int) -> None:
        """See `TrunkPort.remove_child`."""
        program = self._children.pop(child, None)
        if program is not None:
            del program.children[child]
            if not program.children:
                program.newest = None  # a stage that leads again counts from somewhere else

    def child_state(self, child: int) -> ChildState | None:
        """See `TrunkPort.child_state`."""
        program = self._children.get(child)
        if program is None:
            return None
        found = program.children[child]
        return ChildState(found.packets, found.octets, found.unsent)

    def _program(self, event: bytes) -> _Program:
        if event not in self._programs and len(self._programs) >= MAX_PROGRAMS:
            unused = (name for name, old in self._programs.items() if not old.uplinks and not old.children)
            for name in list(unused)[:1]:
                del self._programs[name]
        return self._programs.setdefault(event, _Program(event))

    # -- datagrams ----------------------------------------------------------------------------------------

    def send_frame(self, event: bytes, frame: ProgramFrame, *, now: float) -> None:
        """See `TrunkPort.send_frame`."""
        program = self._programs.get(event)
        if program is None or (program.newest is not None and frame.sequence <= program.newest):
            return
        program.newest = frame.sequence
        for child in program.children.values():
            self._send_to(child, frame)

    def send(self, data: bytes, to: Address) -> bool:
        """See `TrunkPort.send`."""
        return self._send(data, to)

    def counters(self) -> dict[str, int]:
        """See `TrunkPort.counters`."""
        return dict(self._counted)

    def tick(self, now: float) -> None:
        """Call every 20 ms: listeners get silence while nobody brings their program."""
        for program in list(self._programs.values()):
            heard_at = program.heard_at
            if program.uplinks and heard_at is not None and now >= heard_at + SILENCE:
                program.heard_at = None
                self.on_silence(program.event)
            frame = program.join.fill(now)
            if frame is not None:
                self.on_frame(program.event, frame, now)

    async def _tick_forever(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self.tick(clock.monotonic())

    def receive_datagram(self, data: bytes, address: Address, *, now: float) -> None:
        """Take one datagram."""
        self._counted["trunk_datagrams"] += 1
        if data[:1] == bytes((CONTROL_BYTE,)):
            self.on_control(data, address)
        elif len(data) < _SHORTEST or data[0] != 0x80:
            self._counted["trunk not ours"] += 1
        else:
            uplink = self._by_ssrc.get(int.from_bytes(data[8:12], "big"))
            if uplink is None:
                self._counted["trunk unknown stream"] += 1
            else:
                self._receive_rtp(uplink, data, now)

    def _receive_rtp(self, uplink: _Uplink, data: bytes, now: float) -> None:
        replays, failures = uplink.receiver.replays, uplink.receiver.auth_failures
        try:
            frames = uplink.receiver.open(data)
        except TrunkError:
            frames = ()
        self._counted["trunk replay"] += uplink.receiver.replays - replays
        self._counted["trunk srtp"] += uplink.receiver.auth_failures - failures
        if (uplink.receiver.replays, uplink.receiver.auth_failures) != (replays, failures):
            return
        uplink.heard_at = uplink.program.heard_at = now
        uplink.seen["packets"] += 1
        self._counted["trunk_received"] += 1
        if frames:
            self._take(uplink, uplink.program.join.take(frames, epoch=uplink.epoch, now=now), now)
        else:
            self._counted["trunk malformed"] += 1

    def _take(self, uplink: _Uplink, fresh: list[ProgramFrame], now: float) -> None:
        counters = uplink.program.join.counters
        uplink.seen["frames"] += len(fresh)
        uplink.seen["duplicates"] += not fresh
        for name in ("recovered", "lost"):
            more = getattr(counters, name)
            uplink.seen[name] += more
            self._counted[f"trunk_{name}"] += more
            setattr(counters, name, 0)  # they are the uplink's from here on
        for frame in fresh:
            self._forward(uplink.program, frame)
            self.on_frame(uplink.program.event, frame, now)

    def _forward(self, program: _Program, frame: ProgramFrame) -> None:
        """To the children of the epoch that is heard, in the stage's own numbers."""
        join = program.join
        sequence, timestamp = frame.sequence - join.sequence_offset, frame.timestamp - join.timestamp_offset
        own = ProgramFrame(sequence, timestamp, frame.payload, frame.duration)
        for child in program.children.values():
            if child.epoch == join.epoch:
                self._send_to(child, own)

    def _send_to(self, child: _Child, frame: ProgramFrame) -> None:
        data = child.seal(frame)
        if data is None:
            return
        if self._send(data, child.address):
            self._counted["trunk_packets_sent"] += 1
            self._counted["trunk_octets_sent"] += len(data)
        else:
            child.unsent += 1
            self._counted["trunk_unsent"] += 1

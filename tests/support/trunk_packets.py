"""What a parent of the trunk sends, and what children and listeners of a `TrunkNode` have heard."""

from __future__ import annotations

from stentor.core.rtp.packet import RtpPacket, parse_rtp
from stentor.core.stage.program import ProgramFrame
from stentor.core.trunk.packet import TrunkFrame, TrunkReceiver, TrunkSender
from stentor.net.trunk_port import UplinkState
from support.fanouts import make_keys, opener_of
from support.trunk_nodes import TrunkNode, trunk_keys

TICK = 0.02


def frame_at(sequence: int, *, size: int = 40, timestamp: int | None = None) -> ProgramFrame:
    """A frame of 20 ms that says its number."""
    payload = b"\xf8" + sequence.to_bytes(4, "big").ljust(size, b".")
    return ProgramFrame(sequence, 960 * sequence if timestamp is None else timestamp, payload, 960)


def packets_of(number: int, *frames: ProgramFrame) -> list[bytes]:
    """What parent `number` sends for these frames."""
    sender = TrunkSender(trunk_keys(number), number, frames[0].sequence)
    return [sender.seal(frame) for frame in frames]


def frames_of(first: int, count: int) -> list[ProgramFrame]:
    """`count` frames from `first` on."""
    return [frame_at(first + n) for n in range(count)]


def heard_by_child(node: TrunkNode, number: int) -> list[tuple[TrunkFrame, ...]]:
    """The frames of each packet that has left for a child."""
    receiver = TrunkReceiver(trunk_keys(number), number)
    return [receiver.open(data) for data in node.to_child(number)]


def heard_by_listener(node: TrunkNode, number: int = 1) -> list[RtpPacket]:
    """The packets that have left for a listener, opened."""
    opener = opener_of(make_keys(number))
    return [parse_rtp(opener.open_rtp(data)) for data in node.to_listeners()]


def receive_all(node: TrunkNode, packets: list[bytes]) -> None:
    """One packet each 20 ms."""
    for data in packets:
        node.receive(data)
        node.step(TICK)


def state_of(node: TrunkNode, uplink: int) -> UplinkState:
    """Of an uplink that is there."""
    state = node.uplink_state(uplink)
    assert state is not None
    return state


def low(frame: ProgramFrame) -> TrunkFrame:
    """The frame as a receiver knows it."""
    return TrunkFrame(frame.sequence & 0xFFFF, frame.timestamp & 0xFFFFFFFF, frame.payload)

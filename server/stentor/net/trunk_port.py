"""The trunk at one node's cluster port: program frames from parents, program frames to children.

`TrunkPort` is the signature of both: the native core's (`net/native_trunk.py`) and its readable twin
(`net/python_trunk.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from stentor.core.outputs import Address
from stentor.core.stage.program import ProgramFrame
from stentor.core.trunk.keys import TrunkKeys

CONTROL_BYTE = 0xC5  # first byte of a signed datagram (core/mesh/envelope.py)

OnControl = Callable[[bytes, Address], None]
OnSilence = Callable[[bytes], None]
OnFrame = Callable[[bytes, ProgramFrame, float], None]


@dataclass(frozen=True, slots=True)
class UplinkState:
    """What has come by an uplink."""

    heard_at: float | None = None
    """When its newest authentic packet came, by `net.clock.monotonic`; None before the first."""
    packets: int = 0
    """Authentic ones."""
    frames: int = 0
    """Frames that were new and were given on."""
    recovered: int = 0
    """Of these, those that only a later packet brought."""
    lost: int = 0
    """Sequence numbers that no packet brought; gaps of the program itself apart."""
    duplicates: int = 0
    """Packets that brought nothing new, or were of an epoch that is over."""
    failures: int = 0
    """Packets that were not authentic, or came a second time."""


@dataclass(frozen=True, slots=True)
class ChildState:
    """What was sent to a child."""

    packets: int = 0
    """Packets made for it."""
    octets: int = 0
    """Of UDP payload."""
    unsent: int = 0
    """Of the packets, those the kernel refused for their address."""


class TrunkPort(Protocol):
    """A cluster port. An event is its key of 8 bytes; a handle is good until it is removed."""

    gives_frames: bool
    """Whether frames of uplinks come by `on_frame`. Else the same core's listeners have had them already, and
    get what `send_frame` is given, too."""
    on_control: OnControl
    """Called with each datagram that begins with `CONTROL_BYTE`, and where it came from."""
    on_silence: OnSilence
    """Called with an event when nothing authentic has come by any uplink of it for `SILENCE`; once, until
    something comes again, and not before something has come."""
    on_frame: OnFrame
    """Called with event, frame in the numbers that its listeners are to have, and the time it came."""

    @property
    def address(self) -> Address:
        """Where the port is bound."""

    def add_uplink(self, event: bytes, ssrc: int, keys: TrunkKeys, *, epoch: int) -> int:
        """Take the event's frames from a parent.

        An event may have several: each frame is taken once, none of a lower epoch than one that was heard.
        Raises LocalError when there is no room, or the SSRC is in use.
        """

    def remove_uplink(self, uplink: int) -> None:
        """Forget a stream. No effect on a handle that is nobody's."""

    def uplink_state(self, uplink: int) -> UplinkState | None:
        """What has come by it; None when there is no such one."""

    def add_child(self, event: bytes, address: Address, ssrc: int, keys: TrunkKeys, *, epoch: int) -> int:
        """Send the event's frames to a child: uplinks' of the same epoch, and `send_frame`'s.

        Raises LocalError when there is no room.
        """

    def remove_child(self, child: int) -> None:
        """Send it nothing more. No effect on a handle that is nobody's."""

    def child_state(self, child: int) -> ChildState | None:
        """What was sent to it; None when there is no such one."""

    def send_frame(self, event: bytes, frame: ProgramFrame, *, now: float) -> None:
        """A frame of a program that this node's stage makes: to all children of the event."""

    def send(self, data: bytes, to: Address) -> bool:
        """Send one signed datagram now; False when the kernel would not take it."""

    def counters(self) -> dict[str, int]:
        """Packets and frames by name ("trunk_..."), and dropped datagrams by reason ("trunk ...")."""

"""What the two ends of a trunk subscription hand back to their shell: messages to send, rows to change."""

from __future__ import annotations

from dataclasses import dataclass

from stentor.core.mesh.messages import Subscribe, SubscribeAck, Unsubscribe
from stentor.core.outputs import Address
from stentor.core.trunk.keys import TrunkKeys


@dataclass(frozen=True, slots=True)
class Send:
    """One control message to put into an envelope and send."""

    message: Subscribe | SubscribeAck | Unsubscribe
    """What to say."""
    to: Address
    """Cluster address of the other end."""


@dataclass(frozen=True, slots=True)
class InstallUplink:
    """The media core is to accept a trunk stream. At most two are installed for an event at a time."""

    event: bytes
    """8 bytes of `ids.event_key`."""
    keys: TrunkKeys
    """Open its packets; used for no other stream, ever."""
    ssrc: int
    """32 bits, names the stream among all of this node."""
    epoch: int
    """Of the stage it comes from. Frames of a lower epoch than the newest heard are dropped."""
    rebase: bool
    """Whether the epoch is higher than that of the stream heard until now, so that its numbers are of
    another space and are to be continued (`ProgramJoin`) from the first frame that comes."""
    parent: bytes
    """Node id of the sender."""


@dataclass(frozen=True, slots=True)
class RemoveUplink:
    """The media core is to forget a trunk stream."""

    event: bytes
    """8 bytes."""
    ssrc: int
    """As it was installed."""


@dataclass(frozen=True, slots=True)
class AddRow:
    """The media core is to send the event's program to a child."""

    event: bytes
    """8 bytes of `ids.event_key`."""
    child: bytes
    """Node id of the receiver. With `ssrc` it names the row."""
    ssrc: int
    """32 bits, chosen by the child."""
    keys: TrunkKeys
    """Seal its packets; used for no other stream, ever."""
    address: Address
    """Where the stream goes."""
    epoch: int
    """The row's stage epoch, part of its keys: frames of any other epoch are not sent on it."""


@dataclass(frozen=True, slots=True)
class RemoveRow:
    """The media core is to end a child's stream."""

    event: bytes
    """8 bytes."""
    child: bytes
    """Node id of the receiver."""
    ssrc: int
    """As it was added."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A child asked for an event of which `Subscribers` knows nothing: find out, then call `serve`."""

    event: bytes
    """8 bytes."""


@dataclass(frozen=True, slots=True)
class Overtaken:
    """A child knows a higher epoch than ours: a stage is deposed, a relay is behind."""

    event: bytes
    """8 bytes."""
    epoch: int
    """The higher one; `Epochs` has been told."""


UplinkOutput = Send | InstallUplink | RemoveUplink
SubscribersOutput = Send | AddRow | RemoveRow | Wanted | Overtaken

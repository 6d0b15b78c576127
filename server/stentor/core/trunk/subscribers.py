"""The parent's end of the trunk: who is fed an event's program from here, and who is sent away.

Soft state: a child says Subscribe once a second and is forgotten after `FORGOTTEN_AFTER`. The first one has
no nonce of ours and is answered with one; only a child that says it back, from a place where it hears us,
gets a row. Until then each of its datagrams is answered by at most one, about as long: nobody can have
a third node flooded from here.

There can be no loop. Only a node whose own parent is the stage, and which is not trying any other, accepts
children. Of the edges of a supposed loop look at the one that was made last: the parent on it had an edge to
another relay before, so it did not accept.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum, auto

from stentor.core.errors import LocalError
from stentor.core.mesh.messages import Refused, Subscribe, SubscribeAck, Unsubscribe
from stentor.core.outputs import Address
from stentor.core.topology.relay_tree import RELAY_BOUND, STAGE_BOUND, STAGE_LEAVES
from stentor.core.trunk.epochs import Epochs
from stentor.core.trunk.keys import NONCE_BYTES, derive_trunk_keys
from stentor.core.trunk.notices import AddRow, Overtaken, RemoveRow, Send, SubscribersOutput, Wanted

FORGOTTEN_AFTER = 5.0  # seconds: a child says it every second, so four in a row may be lost
MAX_PENDING = 1024  # children asked for their second Subscribe, all events together: 10,000 need 0.1 s each
MAX_ROWS = 4096  # of all events: 200,000 packets/s is what one core sends

_NEVER = float("inf")


class Standing(Enum):
    """What this node is to an event."""

    STAGE = auto()
    """It makes the program."""
    INNER = auto()
    """A relay that hears it from the stage: it accepts children."""
    WARMING = auto()
    """A relay about to hear it from the stage: no answer to those who are new, they will ask again."""
    OUTER = auto()
    """A relay below another one, or about to be: it refuses children."""
    NOT_STAGE = auto()
    """A stage node, but not the one of this event."""
    STOPPING = auto()
    """It is about to leave: those it has are to find another."""


_REFUSALS: dict[Standing, Refused] = {
    Standing.OUTER: "not-inner",
    Standing.NOT_STAGE: "not-stage",
    Standing.STOPPING: "stopping",
}


@dataclass(slots=True)
class _Child:
    """A subscription, asked for (`_Served.pending`) or in force (`_Served.rows`)."""

    ssrc: int
    nonce_c: bytes
    nonce_p: bytes
    level: int
    heard: float
    """When its last Subscribe that was not refused came."""
    control: Address
    """Where its Subscribe comes from."""


@dataclass(slots=True)
class _Served:
    """One event."""

    standing: Standing
    epoch: int
    stage: bytes
    rows: dict[bytes, _Child] = field(default_factory=dict)
    """By the child's node id: a child has one row of an event."""


class Subscribers:
    """All children of one node, for all events. Outputs are in the order in which to act on them."""

    def __init__(
        self,
        node: bytes,
        secret: bytes,
        epochs: Epochs,
        *,
        relay_bound: int = RELAY_BOUND,
        stage_bound: int = STAGE_BOUND,
        stage_leaves: int = STAGE_LEAVES,
    ) -> None:
        """`node`: our id, 8 bytes. `secret`: of the cluster. The bounds are children for one event: of a
        relay, of the stage, and of the stage's those that are of level 2."""
        self._node = node
        self._secret = secret
        self._epochs = epochs
        self._relay_bound = relay_bound
        self._stage_bound = stage_bound
        self._stage_leaves = stage_leaves
        self._served: dict[bytes, _Served] = {}
        self._pending: OrderedDict[tuple[bytes, bytes], _Child] = OrderedDict()  # by event and child
        self._rows = 0
        self._next_sweep = _NEVER

    def children(self, event: bytes) -> int:
        """How many rows the event has."""
        served = self._served.get(event)
        return 0 if served is None else len(served.rows)

    def serve(
        self, event: bytes, standing: Standing, *, epoch: int, stage: bytes, now: float
    ) -> list[SubscribersOutput]:
        """What we are to this event from now on. Call it on every change, and to answer `Wanted`.

        `epoch` and `stage` (node id): of the stream that we have and that children would get; 0 and 8 zero
        bytes while there is none. A change of epoch ends all rows, whose keys were made for the former one,
        and tells the children, who then ask again. So does a standing that refuses them, except that their
        rows go on until they leave or are forgotten.
        """
        served = self._served.get(event)
        if served is None:
            self._served[event] = _Served(standing, epoch, stage)
            return []
        former = (served.standing, served.epoch)
        served.standing, served.epoch, served.stage = standing, epoch, stage
        if former == (standing, epoch):
            return []
        outputs: list[SubscribersOutput] = []
        refused = _REFUSALS.get(standing, "")
        if former[1] == epoch and not refused:
            return []
        if former[1] != epoch:
            self._forget_pending(event)
        for name, child in list(served.rows.items()):
            outputs.append(self._ack(event, served, child, refused))
            if former[1] != epoch:
                outputs.append(self._remove(event, served, name))
        return outputs

    def withdraw(self, event: bytes) -> list[SubscribersOutput]:
        """The event is over here: end its rows and forget it."""
        served = self._served.get(event)
        if served is None:
            return []
        outputs = [self._remove(event, served, name) for name in list(served.rows)]
        self._forget_pending(event)
        del self._served[event]
        return outputs

    def on_subscribe(
        self, message: Subscribe, sender: bytes, address: Address, now: float, random16: bytes
    ) -> list[SubscribersOutput]:
        """Take one Subscribe. `sender` and `address`: of its envelope. `random16`: 16 fresh random bytes."""
        if message.child != sender or sender == self._node:
            return []
        if len(random16) != NONCE_BYTES:
            raise LocalError(f"a trunk nonce has {NONCE_BYTES} bytes, not {len(random16)}")
        event = message.event
        served = self._served.get(event)
        if served is None:
            return [Wanted(event)]
        highest = max(message.highest_epoch, self._epochs.highest(event))
        if highest > served.epoch and served.standing not in _REFUSALS:
            return self._overtaken(message, served, address, now)
        row = served.rows.get(sender)
        if (
            row is not None and _same(row, message) and message.nonce_p in (row.nonce_p, b"")
        ):  # b"": overtaken
            return [self._refresh(event, served, row, now)]
        return self._newcomer(message, served, address, now, random16)

    def on_unsubscribe(self, message: Unsubscribe, sender: bytes) -> list[SubscribersOutput]:
        """Take one Unsubscribe; that of a former subscription has no effect."""
        pending = self._pending.get((message.event, sender))
        if pending is not None and pending.ssrc == message.ssrc:
            del self._pending[message.event, sender]
        served = self._served.get(message.event)
        row = None if served is None else served.rows.get(sender)
        if served is None or row is None or row.ssrc != message.ssrc:
            return []
        return [self._remove(message.event, served, sender)]

    def next_due(self) -> float:
        """When to call `poll` next; infinity while nobody is there."""
        return self._next_sweep

    def poll(self, now: float) -> list[SubscribersOutput]:
        """Forget whoever was not heard for `FORGOTTEN_AFTER`."""
        if now < self._next_sweep:
            return []
        outputs: list[SubscribersOutput] = []
        heard = _NEVER
        for event, served in self._served.items():
            silent = [name for name, child in served.rows.items() if _is_silent(child, now)]
            outputs += [self._remove(event, served, name) for name in silent]
            heard = min(heard, min((child.heard for child in served.rows.values()), default=_NEVER))
        for place in [
            place for place, child in self._pending.items() if child.heard + FORGOTTEN_AFTER <= now
        ]:
            del self._pending[place]
        heard = min(heard, min((child.heard for child in self._pending.values()), default=_NEVER))
        self._next_sweep = heard + FORGOTTEN_AFTER
        return outputs

    # -- inside -------------------------------------------------------------------------------------------

    def _forget_pending(self, event: bytes) -> None:
        for place in [place for place in self._pending if place[0] == event]:
            del self._pending[place]

    def _overtaken(
        self, message: Subscribe, served: _Served, address: Address, now: float
    ) -> list[SubscribersOutput]:
        """A higher epoch than ours is known, by the child or by us: nobody new may be fed.

        A stage says so, and those it has are forgotten: it will never have that epoch. A relay soon will; it
        keeps whom it has and says nothing, so that the child asks again.
        """
        outputs: list[SubscribersOutput] = []
        if self._epochs.see(message.event, message.highest_epoch):
            outputs.append(Overtaken(message.event, message.highest_epoch))
        row = served.rows.get(message.child)
        if served.standing is Standing.STAGE:
            outputs.append(self._answer(message, served, address, b"", "stale-epoch"))
        elif row is not None and _same(row, message):
            row.heard = now
        return outputs

    def _refresh(self, event: bytes, served: _Served, row: _Child, now: float) -> SubscribersOutput:
        refused = _REFUSALS.get(served.standing, "")
        if not refused:
            row.heard = now
        return self._ack(event, served, row, refused)

    def _newcomer(
        self, message: Subscribe, served: _Served, address: Address, now: float, random16: bytes
    ) -> list[SubscribersOutput]:
        """A child without a row, or one that wants another."""
        if served.standing is Standing.WARMING:
            return []
        refused = _REFUSALS.get(served.standing, "") or self._full(message, served)
        if refused:
            return [self._answer(message, served, address, b"", refused)]
        place = (message.event, message.child)
        pending = self._pending.get(place)
        if pending is None or not _same(pending, message):
            pending = self._ask_back(place, message, address, now, random16)
            if pending is None:
                return []
        elif pending.nonce_p == message.nonce_p:
            return self._confirmed(place, message, served, pending, address, now)
        return [self._answer(message, served, address, pending.nonce_p, "")]

    def _ask_back(
        self, place: tuple[bytes, bytes], message: Subscribe, address: Address, now: float, random16: bytes
    ) -> _Child | None:
        """Remember a child until it says our nonce back; None when too many are remembered."""
        if place not in self._pending and len(self._pending) >= MAX_PENDING:
            oldest = next(iter(self._pending))
            if now - self._pending[oldest].heard < 1.0:  # those had no time to answer yet
                return None
            del self._pending[oldest]
        child = _Child(message.ssrc, message.nonce_c, random16, message.level, now, address)
        self._pending[place] = child
        self._pending.move_to_end(place)
        self._next_sweep = min(self._next_sweep, now + FORGOTTEN_AFTER)
        return child

    def _confirmed(
        self,
        place: tuple[bytes, bytes],
        message: Subscribe,
        served: _Served,
        child: _Child,
        address: Address,
        now: float,
    ) -> list[SubscribersOutput]:
        """The child has said our nonce: it hears us, and gets its row. Nonces are used up by this."""
        del self._pending[place]
        event, name = place
        outputs: list[SubscribersOutput] = []
        if name in served.rows:
            outputs.append(self._remove(event, served, name))
        keys = derive_trunk_keys(
            self._secret,
            nonce_c=child.nonce_c,
            nonce_p=child.nonce_p,
            parent=self._node,
            child=name,
            event=event,
            epoch=served.epoch,
        )
        child.heard, child.control, child.level = now, address, message.level
        served.rows[name] = child
        self._rows += 1
        self._next_sweep = min(self._next_sweep, now + FORGOTTEN_AFTER)
        stream = (address[0], message.stream_port)
        outputs.append(AddRow(event, name, child.ssrc, keys, stream, served.epoch))
        outputs.append(self._ack(event, served, child, ""))
        return outputs

    def _full(self, message: Subscribe, served: _Served) -> Refused:
        if message.child in served.rows:
            return ""  # it takes its own place
        if self._rows >= MAX_ROWS:
            return "full"
        if served.standing is not Standing.STAGE:
            return "full" if len(served.rows) >= self._relay_bound else ""
        leaves = sum(child.level == 2 for child in served.rows.values()) if message.level == 2 else 0
        crowded = len(served.rows) >= self._stage_bound or leaves >= self._stage_leaves
        return "full" if crowded else ""

    def _remove(self, event: bytes, served: _Served, name: bytes) -> SubscribersOutput:
        child = served.rows.pop(name)
        self._rows -= 1
        return RemoveRow(event, name, child.ssrc)

    def _ack(self, event: bytes, served: _Served, child: _Child, refused: Refused) -> SubscribersOutput:
        message = SubscribeAck(event, child.nonce_c, child.nonce_p, served.epoch, served.stage, refused)
        return Send(message, child.control)

    def _answer(
        self, message: Subscribe, served: _Served, address: Address, nonce_p: bytes, refused: Refused
    ) -> SubscribersOutput:
        ack = SubscribeAck(message.event, message.nonce_c, nonce_p, served.epoch, served.stage, refused)
        return Send(ack, address)


def _same(child: _Child, message: Subscribe) -> bool:
    return child.nonce_c == message.nonce_c and child.ssrc == message.ssrc


def _is_silent(child: _Child, now: float) -> bool:
    return now >= child.heard + FORGOTTEN_AFTER

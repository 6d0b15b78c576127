"""The relay's end of the trunk as a shell: an uplink per event that is listened to, here or further down."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from stentor.core.errors import LocalError
from stentor.core.mesh.envelope import Sender
from stentor.core.mesh.messages import StageIs, SubscribeAck
from stentor.core.outputs import Address
from stentor.core.topology.relay_tree import RelayTree, TreeNode
from stentor.core.trunk.epochs import Epochs
from stentor.core.trunk.notices import InstallUplink, RemoveUplink, Send, UplinkOutput
from stentor.core.trunk.subscribers import Standing, Subscribers
from stentor.core.trunk.uplink import Uplink
from stentor.net import clock
from stentor.net.mesh_port import MeshPort, StaleEpochError
from stentor.net.rounds import until_round
from stentor.net.trunk_children import TrunkChildren
from stentor.net.trunk_port import TrunkPort

TICK = 0.05  # seconds between two looks while a parent is sought: its first packet is to be seen soon
CALM_TICK = 1.0  # seconds, at most, while all are fed; the trunk's port says when one is silent
WANTED_FOR = 5.0  # seconds an event is kept after the last call of `subscribe`
ASK_EVERY = 0.5  # seconds between two questions who the stage is, while nobody feeds us

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Event:
    uplink: Uplink
    wanted_at: float
    asked_at: float = -ASK_EVERY


class Uplinks:
    """`Trunk` for a relay of a cluster; also feeds the relays below it."""

    def __init__(
        self,
        node: bytes,
        secret: bytes,
        mesh: MeshPort,
        trunk: TrunkPort,
        *,
        port: int,
        ask_stages: Callable[[bytes], None],
    ) -> None:
        """`node`: our id; `secret`: of the cluster; `port`: UDP port of ours that parents send to.

        `ask_stages(event)` asks those who may know who the event's stage is; the answer is a `StageIs`.
        """
        self.tree = RelayTree()
        """Whom to ask for what; give it the directory, then call `on_directory`."""
        self.epochs = Epochs()
        self._node = node
        self._secret = secret
        self._mesh = mesh
        self._trunk = trunk
        self._port = port
        self._ask_stages = ask_stages
        self._events: dict[bytes, _Event] = {}
        self._installed: dict[int, int] = {}  # handle of the media core by SSRC
        self._children = TrunkChildren(
            Subscribers(node, secret, self.epochs),
            mesh,
            trunk,
            on_wanted=self._wanted,
            on_overtaken=lambda event, _: self._ask(event, clock.monotonic()),
        )
        self._timer: asyncio.TimerHandle | None = None
        self._look_at = 0.0
        trunk.on_silence = self._on_silence
        mesh.on(SubscribeAck, self._on_ack)
        mesh.on(StageIs, self._on_stage_is)

    def start(self) -> None:
        """Begin to look after the uplinks."""
        self._children.start()
        self._look_after(TICK)

    def leave(self) -> None:
        """We are about to stop: those below us are to find another parent, and are fed until they have."""
        self._children.leave()

    async def stop(self) -> None:
        """Leave every parent and let every child go."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for event in list(self._events):
            self._forget(event, clock.monotonic())
        await self._children.stop()

    def subscribe(self, event: bytes, *, now: float) -> None:
        """See `Trunk.subscribe`."""
        known = self._events.get(event)
        if known is not None:
            known.wanted_at = now
            return
        uplink = Uplink(
            event,
            self._node,
            self._secret,
            self.tree,
            self.epochs,
            stream_port=self._port,
            random_bytes=secrets.token_bytes,
        )
        known = self._events[event] = _Event(uplink, now)
        self._act(uplink.start(now))
        self._serve(event, now)
        if uplink.is_seeking(now):
            self._ask(event, now)
        self._look_in_time(known, now)

    def epoch_of(self, event: bytes) -> int:
        """The highest stage epoch heard of."""
        return self.epochs.highest(event)

    def is_seeking(self, event: bytes, now: float) -> bool:
        """Whether an event that is wanted is not fed to us, or not for long."""
        known = self._events.get(event)
        if known is None:
            return False
        self._hear(known.uplink, now)
        return known.uplink.is_seeking(now)

    def on_directory(self, relays: Iterable[TreeNode], version: int) -> None:
        """The directory has changed."""
        now = clock.monotonic()
        self.tree.set_directory(relays, version=version)
        for known in list(self._events.values()):
            self._hear(known.uplink, now)
            self._act(known.uplink.on_directory(now))
            self._look_in_time(known, now)

    # -- messages -----------------------------------------------------------------------------------------

    def _on_ack(self, ack: SubscribeAck, sender: Sender) -> None:
        """StaleEpochError for a parent that would feed us the stream of a stage that was replaced."""
        known = self._events.get(ack.event)
        if known is not None:
            highest, now = self.epochs.highest(ack.event), clock.monotonic()
            self._hear(known.uplink, now)
            # Also of a lower epoch: it may be the answer to a trial, which fails.
            self._act(known.uplink.on_ack(ack, sender.node, now))
            self._serve(ack.event, now)
            self._look_in_time(known, now)
            if not ack.refused and ack.epoch < highest:
                raise StaleEpochError("stage", ack.epoch, highest)

    def _on_stage_is(self, message: StageIs, sender: Sender) -> None:
        """StaleEpochError for the word of a stage that was replaced."""
        known = self._events.get(message.event)
        if known is None:
            return
        if not self.epochs.admits(message.event, message.epoch):
            raise StaleEpochError("stage", message.epoch, self.epochs.highest(message.event))
        # A stage speaks of itself: then its address is where it speaks from, whatever it believes.
        own = sender.node == message.stage
        address: Address = sender.address if own else message.address
        now = clock.monotonic()
        self._hear(known.uplink, now)
        self._act(known.uplink.on_stage(message.epoch, TreeNode(message.stage, address), now))
        self._serve(message.event, now)
        self._look_in_time(known, now)

    def _on_silence(self, event: bytes) -> None:
        """Its parent feeds us no more: we look for another one at once."""
        known, now = self._events.get(event), clock.monotonic()
        if known is not None:
            self._tick(event, known, now)
            self._look_again_within(TICK)

    def _wanted(self, event: bytes) -> None:
        """A relay below asks for an event: it is the tree's doing, so we listen for it."""
        self.subscribe(event, now=clock.monotonic())

    # -- inside -------------------------------------------------------------------------------------------

    def _look_after(self, seconds: float) -> None:
        self._look_at = clock.monotonic() + seconds
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        now = clock.monotonic()
        # First: what goes wrong with one event is no reason to look no more.
        self._look_after(until_round(CALM_TICK))
        for event, known in list(self._events.items()):
            self._tick(event, known, now)
        calm = (self._calm(known, now) for known in self._events.values())
        self._look_again_within(min(calm, default=CALM_TICK))

    def _look_in_time(self, known: _Event, now: float) -> None:
        """Something came in between two looks: perhaps the next one is to come sooner."""
        self._look_again_within(self._calm(known, now))

    def _look_again_within(self, seconds: float) -> None:
        if self._timer is not None and self._look_at > clock.monotonic() + seconds:
            self._timer.cancel()
            self._look_after(seconds)

    def _calm(self, known: _Event, now: float) -> float:
        """For how long nothing can happen that only a look would show."""
        if known.uplink.is_trying or known.uplink.is_seeking(now):
            return TICK
        return max(TICK, known.uplink.next_due() - now)

    def _tick(self, event: bytes, known: _Event, now: float) -> None:
        if self._children.count(event):
            known.wanted_at = now
        if now - known.wanted_at > WANTED_FOR:
            self._forget(event, now)
            return
        uplink = known.uplink
        self._hear(uplink, now)
        self._act(uplink.poll(now))
        self._serve(event, now)
        if uplink.is_seeking(now):
            self._ask(event, now)

    def _ask(self, event: bytes, now: float) -> None:
        """Ask around who the stage is, not too often."""
        known = self._events.get(event)
        if known is not None and now - known.asked_at >= ASK_EVERY:
            known.asked_at = now
            self._ask_stages(event)

    def _hear(self, uplink: Uplink, now: float) -> None:
        """Tell the uplink what came by its streams: before anything that asks whether they are silent."""
        for ssrc in uplink.ssrcs:
            state = self._trunk.uplink_state(self._installed.get(ssrc, 0))
            if state is not None and state.heard_at is not None:
                self._act(uplink.on_packet_time(ssrc, state.heard_at, now))

    def _serve(self, event: bytes, now: float) -> None:
        known = self._events.get(event)
        if known is not None:
            uplink = known.uplink
            standing: Standing = uplink.standing(now)
            self._children.serve(event, standing, epoch=uplink.epoch, stage=uplink.stage)

    def _forget(self, event: bytes, now: float) -> None:
        known = self._events.pop(event)
        self._act(known.uplink.stop(now))
        self._children.withdraw(event)

    def _act(self, outputs: Iterable[UplinkOutput]) -> None:
        for output in outputs:
            match output:
                case Send():
                    self._mesh.tell(output.message, output.to)
                case InstallUplink():
                    self._install(output)
                case RemoveUplink():
                    self._trunk.remove_uplink(self._installed.pop(output.ssrc, 0))

    def _install(self, stream: InstallUplink) -> None:
        try:
            handle = self._trunk.add_uplink(stream.event, stream.ssrc, stream.keys, epoch=stream.epoch)
        except LocalError as error:
            _log.error("event %s: %s", stream.event.hex(), error)  # nothing flows, so the next one is tried
            return
        self._installed[stream.ssrc] = handle

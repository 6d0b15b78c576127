"""The parent's end of the trunk as a shell: answers subscriptions, keeps a row of the core per child."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable

from stentor.core.errors import LocalError
from stentor.core.mesh.envelope import Sender
from stentor.core.mesh.messages import Subscribe, Unsubscribe
from stentor.core.trunk.keys import NONCE_BYTES
from stentor.core.trunk.notices import AddRow, Overtaken, RemoveRow, Send, SubscribersOutput, Wanted
from stentor.core.trunk.subscribers import Standing, Subscribers
from stentor.net import clock
from stentor.net.mesh_port import MeshPort
from stentor.net.rounds import sleep_to_round
from stentor.net.trunk_port import TrunkPort

SWEEP_EVERY = 1.0  # seconds: a child is forgotten after five of silence


class TrunkChildren:
    """Feeds the children of one node. `start` it, then say with `serve` what the node is to an event."""

    def __init__(
        self,
        subscribers: Subscribers,
        mesh: MeshPort,
        trunk: TrunkPort,
        *,
        on_wanted: Callable[[bytes], None],
        on_overtaken: Callable[[bytes, int], None],
    ) -> None:
        """`on_wanted(event)`: a child asks for an event nobody told us of; answer with `serve`.
        `on_overtaken(event, epoch)`: a child has seen a higher epoch than ours."""
        self._subscribers = subscribers
        self._mesh = mesh
        self._trunk = trunk
        self._on_wanted = on_wanted
        self._on_overtaken = on_overtaken
        self._rows: dict[tuple[bytes, bytes, int], int] = {}
        self._served: dict[bytes, tuple[int, bytes]] = {}  # epoch and stage by event
        self._leaving = False
        self._sweeper: asyncio.Task[None] | None = None
        mesh.on(Subscribe, self._on_subscribe)
        mesh.on(Unsubscribe, self._on_unsubscribe)

    def start(self) -> None:
        """Begin to forget children that are silent."""
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep_forever(), name="trunk children")

    def leave(self) -> None:
        """Take no new child and tell those we have to find another parent; until then they are fed."""
        self._leaving = True
        for event, (epoch, stage) in list(self._served.items()):
            self.serve(event, Standing.STOPPING, epoch=epoch, stage=stage)

    async def stop(self) -> None:
        """Feed nobody any more."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
        self.leave()
        for row in self._rows.values():
            self._trunk.remove_child(row)
        self._rows.clear()

    def count(self, event: bytes) -> int:
        """How many children the event has here."""
        return self._subscribers.children(event)

    def serve(self, event: bytes, standing: Standing, *, epoch: int, stage: bytes) -> None:
        """See `Subscribers.serve`."""
        now = clock.monotonic()
        if self._leaving:
            standing = Standing.STOPPING
        self._served[event] = (epoch, stage)
        self._act(self._subscribers.serve(event, standing, epoch=epoch, stage=stage, now=now))

    def withdraw(self, event: bytes) -> None:
        """The event is over here."""
        self._served.pop(event, None)
        self._act(self._subscribers.withdraw(event))

    # -- inside -------------------------------------------------------------------------------------------

    def _on_subscribe(self, message: Subscribe, sender: Sender) -> None:
        nonce = secrets.token_bytes(NONCE_BYTES)
        now = clock.monotonic()
        self._act(self._subscribers.on_subscribe(message, sender.node, sender.address, now, nonce))

    def _on_unsubscribe(self, message: Unsubscribe, sender: Sender) -> None:
        self._act(self._subscribers.on_unsubscribe(message, sender.node))

    def _act(self, outputs: Iterable[SubscribersOutput]) -> None:
        for output in outputs:
            match output:
                case Send():
                    self._mesh.tell(output.message, output.to)
                case AddRow():
                    self._add(output)
                case RemoveRow():
                    row = self._rows.pop((output.event, output.child, output.ssrc), None)
                    if row is not None:
                        self._trunk.remove_child(row)
                case Wanted():
                    self._on_wanted(output.event)
                case Overtaken():
                    self._on_overtaken(output.event, output.epoch)

    def _add(self, row: AddRow) -> None:
        try:
            handle = self._trunk.add_child(row.event, row.address, row.ssrc, row.keys, epoch=row.epoch)
        except LocalError:
            return  # no room: the child hears nothing and asks the next one
        self._rows[row.event, row.child, row.ssrc] = handle

    async def _sweep_forever(self) -> None:
        while True:
            await sleep_to_round(SWEEP_EVERY)
            self._act(self._subscribers.poll(clock.monotonic()))

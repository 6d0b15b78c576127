"""The shard's side of `MeshControl`: does what is asked over the mesh."""

from __future__ import annotations

import logging
from collections.abc import Callable

from stentor.core.links import ShardControl
from stentor.core.mesh.commands import Drain, EndEvent, EndSession, SetPtime
from stentor.core.mesh.envelope import Sender
from stentor.core.mesh.messages import Ask, Value
from stentor.net.mesh_port import MeshPort

_log = logging.getLogger(__name__)


class MeshCommands:
    """Hands each ask to the control of this process."""

    def __init__(self, port: MeshPort, control: ShardControl, *, drain: Callable[[int], None]) -> None:
        """`drain(seconds)` begins to drain this process."""
        self._port = port
        self._control = control
        self._drain = drain

    def listen(self) -> None:
        """Answer the port's asks."""
        self._port.on_ask(self.answer)

    async def answer(self, ask: Ask, sender: Sender) -> Value:
        """What is sent back."""
        match ask.command:
            case EndSession(shard, session):
                return await self._control.end_session(shard, session)
            case EndEvent(event_id):
                await self._control.end_event(event_id)
            case SetPtime(milliseconds, hold):
                await self._control.set_ptime(milliseconds, hold=hold)
            case Drain(seconds):
                _log.warning("node %s drains this process", sender.node.hex())
                self._drain(seconds)
        return True

"""The shard's side of `MeshControl`: does what is asked over the mesh."""

from __future__ import annotations

from stentor.core.links import ShardControl
from stentor.core.mesh.commands import EndEvent, EndSession, SetPtime
from stentor.core.mesh.envelope import Sender
from stentor.core.mesh.messages import Ask, Value
from stentor.net.mesh_port import MeshPort


class MeshCommands:
    """Hands each ask to the control of this process."""

    def __init__(self, port: MeshPort, control: ShardControl) -> None:
        self._port = port
        self._control = control

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
        return True

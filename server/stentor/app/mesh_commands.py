"""The shard's side of `MeshControl`: does what is asked over the mesh."""

from __future__ import annotations

import logging
from collections.abc import Callable

from stentor.core.errors import RemoteError
from stentor.core.links import ShardControl
from stentor.core.mesh.commands import Drain, EndEvent, EndSession, SetPtime, scope_of
from stentor.core.mesh.envelope import Sender
from stentor.core.mesh.fence import Fence
from stentor.core.mesh.messages import Ask, Value
from stentor.net.mesh_port import MeshPort

_log = logging.getLogger(__name__)


class StaleEpochError(RemoteError):
    """The order comes from somebody who has been replaced."""

    status = 409


class MeshCommands:
    """Hands each ask to the control of this process, unless a later epoch has spoken in its scope."""

    def __init__(
        self,
        port: MeshPort,
        control: ShardControl,
        *,
        drain: Callable[[int], None],
        fence: Fence | None = None,
    ) -> None:
        """`drain(seconds)` begins to drain this process; `fence` may be shared with who else sees epochs."""
        self._port = port
        self._control = control
        self._drain = drain
        self._fence = Fence() if fence is None else fence

    def listen(self) -> None:
        """Answer the port's asks."""
        self._port.on_ask(self.answer)

    async def answer(self, ask: Ask, sender: Sender) -> Value:
        """What is sent back. StaleEpochError is sent as a refusal."""
        scope = scope_of(ask.command)
        if not self._fence.admit(scope, ask.epoch):
            raise StaleEpochError(f"stale-epoch: {ask.epoch} is below {self._fence.highest(scope)}")
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

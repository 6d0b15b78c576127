"""`ShardControl` of a process that is a relay alone."""

from __future__ import annotations

from stentor.core.ids import event_key
from stentor.core.links import HostState
from stentor.relay.shard import RelayShard


class RelayControl:
    """Direct calls; of the host it knows nothing."""

    def __init__(self, relay: RelayShard) -> None:
        self._relay = relay

    async def end_session(self, shard: int, session: bytes) -> bool:
        """See `ShardControl.end_session`."""
        return shard == self._relay.record.shard and self._relay.end_session(session)

    async def end_event(self, event_id: str) -> None:
        """See `ShardControl.end_event`."""
        self._relay.end_event(event_key(event_id))

    async def listeners_of(self, event_id: str) -> int:
        """See `ShardControl.listeners_of`."""
        return self._relay.listeners_of(event_key(event_id))

    async def set_ptime(self, milliseconds: int | None, *, hold: bool) -> None:
        """See `ShardControl.set_ptime`."""
        self._relay.set_ptime(milliseconds, hold=hold)

    async def host_state(self, event_id: str) -> HostState:
        """See `ShardControl.host_state`."""
        return "none"

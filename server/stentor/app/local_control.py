"""`ShardControl` when gateway, stage and relay live in one process: direct calls."""

from __future__ import annotations

from typing import Literal

from stentor.core.ids import event_key
from stentor.ingest.ingest import Ingest
from stentor.net import clock
from stentor.relay.shard import RelayShard
from stentor.stage.stage import Stage


class LocalControl:
    """What a gateway may ask of the shards of its own process."""

    def __init__(self, relay: RelayShard, ingest: Ingest, stage: Stage) -> None:
        self._relay = relay
        self._ingest = ingest
        self._stage = stage

    async def end_session(self, shard: int, session: bytes) -> bool:
        """See `ShardControl.end_session`."""
        for port in (self._relay, self._ingest):
            if port.record.shard == shard:
                return port.end_session(session)
        return False

    async def end_event(self, event_id: str) -> None:
        """See `ShardControl.end_event`."""
        key = event_key(event_id)
        self._ingest.end_event(key)
        self._stage.end_event(key)
        self._relay.end_event(key)

    async def listeners_of(self, event_id: str) -> int:
        """See `ShardControl.listeners_of`."""
        return self._relay.listeners_of(event_key(event_id))

    async def set_ptime(self, milliseconds: int | None, *, hold: bool) -> None:
        """See `ShardControl.set_ptime`."""
        self._relay.set_ptime(milliseconds, hold=hold)

    async def host_state(self, event_id: str) -> Literal["none", "present", "away"]:
        """See `ShardControl.host_state`."""
        return self._stage.host_state(event_key(event_id), now=clock.monotonic())

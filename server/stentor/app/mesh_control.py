"""`ShardControl` over the mesh: what a gateway asks of shards in other processes.

Gateways order on behalf of a host, a listener or an operator, who may use any of them: nobody replaces a
gateway, so its orders have no epoch.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Iterable
from typing import Literal, cast

from stentor.core.ids import event_key
from stentor.core.links import Heartbeat as LinkHeartbeat
from stentor.core.links import HostState, ShardControl, ShardRecord
from stentor.core.mesh.commands import Command, EndEvent, EndSession, SetPtime
from stentor.core.mesh.envelope import Sender
from stentor.core.mesh.messages import Heartbeat, MoreEvents, Value
from stentor.core.outputs import Address
from stentor.gateway.event_table import EventTable
from stentor.gateway.shard_table import ShardTable
from stentor.net import clock
from stentor.net.mesh_port import AskError, AskRefusedError, MeshPort

AT_ONCE = 256  # nodes asked at the same time: a quarter of what the port lets wait

_log = logging.getLogger(__name__)


class MeshControl:
    """Answers from heartbeats where it can; asks the node where something must be done."""

    def __init__(
        self,
        port: MeshPort,
        shards: ShardTable,
        events: EventTable,
        *,
        local: ShardControl | None = None,
    ) -> None:
        """`local` controls the shards of our own process."""
        self._port = port
        self._shards = shards
        self._events = events
        self._local = local

    def listen(self) -> None:
        """Take heartbeats from the port into the tables."""
        self._port.on(Heartbeat, self.on_heartbeat)
        self._port.on(MoreEvents, self.on_more_events)

    def on_heartbeat(self, beat: Heartbeat, sender: Sender) -> None:
        """One heartbeat, from the process that the shard's record names; others are not believed."""
        if self._is_from(beat.shard, sender):
            now, link = clock.monotonic(), beat.as_link()
            self._shards.on_heartbeat(link, now)
            self._events.on_rows(beat.shard, link.events, now, parts=beat.parts)

    def on_own(self, beat: LinkHeartbeat) -> None:
        """One heartbeat of a shard in this process, which needs no datagram."""
        now = clock.monotonic()
        self._shards.on_heartbeat(beat, now)
        self._events.on_rows(beat.shard, beat.events, now, parts=1)

    def on_more_events(self, more: MoreEvents, sender: Sender) -> None:
        """The rest of a heartbeat's events."""
        if self._is_from(more.shard, sender):
            rows = tuple(row.as_link() for row in more.events)
            self._events.on_rows(more.shard, rows, clock.monotonic(), part=more.part)

    # -- ShardControl -------------------------------------------------------------------------------------

    async def end_session(self, shard: int, session: bytes) -> bool:
        """See `ShardControl.end_session`. False also when the shard does not answer."""
        record = self._shards.record(shard, clock.monotonic())
        if record is None:
            return False
        if self._local is not None and record.node == self._port.node:
            return await self._local.end_session(shard, session)
        if record.link is None:
            return False
        try:
            return await self._ask(EndSession(shard, session), record.node, record.link) is True
        except AskError as error:
            _log.warning("shard %d: a session was not ended: %s", shard, error)
            return False

    async def end_event(self, event_id: str) -> None:
        """See `ShardControl.end_event`. Who does not answer learns it from the event's record."""
        if self._local is not None:
            await self._local.end_event(event_id)
        await self._ask_all(EndEvent(event_id))

    async def listeners_of(self, event_id: str) -> int:
        """See `ShardControl.listeners_of`: as the last heartbeats said."""
        return self._events.listeners_of(event_key(event_id), clock.monotonic())

    async def set_ptime(self, milliseconds: int | None, *, hold: bool) -> None:
        """See `ShardControl.set_ptime`."""
        if self._local is not None:
            await self._local.set_ptime(milliseconds, hold=hold)
        await self._ask_all(SetPtime(cast(Literal[20, 40, 60, 120] | None, milliseconds), hold))

    async def host_state(self, event_id: str) -> HostState:
        """See `ShardControl.host_state`: as the stage's last heartbeat said."""
        return self._events.host_state(event_key(event_id), clock.monotonic())

    # -- inside -------------------------------------------------------------------------------------------

    def _is_from(self, shard: int, sender: Sender) -> bool:
        record = self._shards.published(shard)
        return record is not None and record.node == sender.node

    def _ask(self, command: Command, node: bytes, link: Address) -> Awaitable[Value]:
        return self._port.ask(command, node=node, address=link)

    async def _ask_all(self, command: Command) -> None:
        """Order every process that has a shard, once each, ours excepted."""
        now = clock.monotonic()
        nodes = _links(record for record in self._shards.records() if self._shards.record(record.shard, now))
        nodes.pop(self._port.node, None)
        gate = asyncio.Semaphore(AT_ONCE)

        async def order(node: bytes, link: Address) -> bool:
            async with gate:
                try:
                    await self._ask(command, node, link)
                except AskRefusedError as error:
                    _log.warning("node %s refuses: %s", node.hex(), error)
                except AskError:
                    return False
                return True

        done = await asyncio.gather(*(order(node, link) for node, link in nodes.items()))
        if not all(done):
            name = type(command).__name__
            _log.warning("%s: %d of %d nodes do not answer", name, done.count(False), len(done))


def _links(records: Iterable[ShardRecord]) -> dict[bytes, Address]:
    return {record.node: record.link for record in records if record.link is not None}

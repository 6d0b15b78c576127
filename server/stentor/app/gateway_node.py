"""The gateway role as part of a cluster node: what it hears of shards, and how it speaks to them."""

from __future__ import annotations

import asyncio
import secrets

from stentor.app.cluster_node import GatewaysHeard, Membership
from stentor.app.line_mesh import MeshLine
from stentor.app.mesh_control import MeshControl
from stentor.cluster.leases import Leases
from stentor.core.admission.laws import Laws
from stentor.core.ids import event_key
from stentor.core.links import ShardControl, ShardRecord
from stentor.core.mesh.messages import GatewayBeat
from stentor.core.outputs import Address
from stentor.core.topology.stage_order import stage_order
from stentor.gateway.event_table import EventTable
from stentor.gateway.line_desk import LineDesk
from stentor.gateway.line_leader import LineLeader
from stentor.gateway.shard_table import ShardTable
from stentor.gateway.status_source import Move, StatusSource
from stentor.net import clock
from stentor.net.mesh_port import MeshPort
from stentor.net.rounds import sleep_to_round

BEAT_EVERY = 1.0  # seconds; shards give a gateway no seats once it has been silent for 3.5

MOVE_WITHIN = 25.0  # seconds for everybody on a draining shard: a page looks every 12 at most


class GatewayNode:
    """Open, `start`, ..., `stop`."""

    def __init__(
        self,
        member: Membership,
        mesh: MeshPort,
        gateways: GatewaysHeard,
        shards: ShardTable,
        *,
        local: ShardControl | None,
        laws: Laws,
    ) -> None:
        """`shards` is fed by the node book; `local` controls the publishers of a stage in this process;
        `laws` are those of the line."""
        self._member = member
        self._mesh = mesh
        self._gateways = gateways
        self._shards = shards
        self.events = EventTable()
        self.control = MeshControl(mesh, shards, self.events, local=local)
        self.status = StatusSource()
        """What every page is told beside its event: who should move."""
        self._drains: list[Move] = []
        self.desk, self.leader = LineDesk(laws), LineLeader(laws)
        """The lines, and who moves them while this gateway leads."""
        self.line = MeshLine(
            mesh,
            Leases(member.directory.store),
            self.desk,
            self.leader,
            self.status,
            gateways=gateways,
            links=self._other_gateways,
        )
        gateways.on_beat = self.line.on_beat
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen and to beat."""
        self.control.listen()
        self.line.start()
        self._beat()
        self._task = asyncio.get_running_loop().create_task(self._go_on(), name="gateway beat")

    async def stop(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.line.stop()

    def others(self) -> list[str]:
        """Names of the other gateways that are heard."""
        return [node.hex() for node in self._gateways.living(clock.monotonic())]

    def pick_stage(self, event_id: str) -> ShardRecord | None:
        """Where a publisher of the event goes: to who leads it, else to the first that may take it."""
        event, now = event_key(event_id), clock.monotonic()
        ready = {record.shard: record for record in self._shards.ready("ingest", now)}
        leader = self.events.leader_of(event, now)
        if leader in ready:
            return ready[leader]
        by_node = {record.node: record for record in ready.values()}
        order = stage_order(event, by_node)
        return by_node[order[0]] if order else None

    # -- inside -------------------------------------------------------------------------------------------

    def _beat(self) -> None:
        links = {record.node: record.link for record in self._member.nodes.shards if record.link is not None}
        links |= {record.node: record.link for record in self._member.nodes.gateways}
        links.pop(self._mesh.node, None)
        for link in links.values():
            self._mesh.tell(GatewayBeat(self.line.epoch), link)

    def _other_gateways(self) -> list[Address]:
        own = self._mesh.node
        return [record.link for record in self._member.nodes.gateways if record.node != own]

    def _ask_to_move(self) -> None:
        """Everybody on a shard that drains, and some of one that sheds, goes elsewhere: make before break."""
        beats = self._shards.heartbeats(clock.monotonic())
        draining = {beat.shard for beat in beats if beat.state == "draining"}
        known = {move.shard: move for move in self._drains}
        for shard in draining - known.keys():
            known[shard] = Move(shard, 1.0, secrets.token_hex(8), clock.wall() + MOVE_WITHIN)
        self._drains = [known[shard] for shard in sorted(draining)]
        self.status.moves = self._drains + [
            Move(beat.shard, shed.fraction, shed.seed.hex(), shed.deadline, since=shed.since)
            for beat in beats
            if (shed := beat.shed) is not None and beat.shard not in draining
        ]

    async def _go_on(self) -> None:
        while True:
            await sleep_to_round(BEAT_EVERY)
            self._beat()
            self._ask_to_move()

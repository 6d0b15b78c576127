"""The relay role as a node of a cluster: a shard, its uplinks, and its heartbeats to every gateway."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from stentor.app.cluster_node import (
    GatewaysHeard,
    Membership,
    advertised,
    new_node_id,
    open_mesh,
    relays_of,
    shards_of,
)
from stentor.app.load import keeper_of
from stentor.app.media_base import Identity, MediaBase, open_media
from stentor.app.mesh_commands import MeshCommands
from stentor.app.pulse import Pulse
from stentor.app.relay_control import RelayControl
from stentor.app.settings import Settings
from stentor.core.admission.seats import shares
from stentor.core.links import Heartbeat, ShardRecord
from stentor.core.mesh.messages import WhoIsStage
from stentor.core.topology.stage_order import stage_order
from stentor.net import clock
from stentor.net.native_trunk import NativeTrunk, bind_cluster_port
from stentor.net.python_trunk import PythonTrunk
from stentor.net.rounds import sleep_to_round
from stentor.net.udp_endpoint import UdpEndpoint
from stentor.relay.shard import RelayShard
from stentor.relay.uplinks import Uplinks

DIRECTORY_EVERY = 1.0  # seconds between looks whether the directory has changed
ASKED_STAGES = 4  # stages asked who leads an event: the first in its order will take it

_log = logging.getLogger(__name__)


class RelayNode:
    """Open, `start`, ..., `stop`. Between `drain` and `stop` its listeners move to other shards."""

    def __init__(self, settings: Settings, member: Membership) -> None:
        """Binds its two ports. Raises OSError when one is taken."""
        assert settings.cluster is not None and settings.redis is not None
        self._member = member
        node = new_node_id()
        if settings.media == "native":
            endpoint = bind_cluster_port(settings.cluster)
            link = advertised(endpoint.address, settings.redis)
            self.base = self._open(settings, Identity(node, link), endpoint)
            assert self.base.core is not None
            trunk = NativeTrunk(self.base.core, endpoint)
            self.trunk: NativeTrunk | PythonTrunk = trunk
            self._begin: Callable[[], None] = trunk.start
            self._end: list[Callable[[], None]] = [trunk.stop, self.base.stop, endpoint.close]
        else:
            self.trunk = PythonTrunk.open(settings.cluster)
            link = advertised(self.trunk.address, settings.redis)
            self.base = self._open(settings, Identity(node, link), None)
            self._begin = lambda: None
            self._end = [self.trunk.close, self.base.stop]
        self._mesh = open_mesh(node, member, self.trunk.send, link=link)
        self.trunk.on_control = self._mesh.on_datagram
        self._uplinks = Uplinks(
            node, member.secret, self._mesh, self.trunk, port=link[1], ask_stages=self._ask_stages
        )
        door = self.base.doors["relay"]
        self.relay = RelayShard(
            door.record,
            door.shell,
            self.base.fanout,
            self._uplinks,
            member.metrics,
            shards=lambda: len(shards_of(member.nodes, "relay")),
            hold=settings.hold == "on",
            resume_time=settings.laws.resume_time,
        )
        if settings.ptime is not None:
            self.relay.set_ptime(settings.ptime)
        self._keeper = keeper_of(self.relay, self.base, settings.laws, member.metrics)
        if self.trunk.gives_frames:
            self.trunk.on_frame = lambda event, frame, now: self.relay.frame(event, frame, now=now)
        self._gateways = GatewaysHeard(self._mesh, member.nodes)
        self._commands = MeshCommands(self._mesh, RelayControl(self.relay))
        self._pulse = Pulse(
            self.base, member.metrics, relay=self.relay, ingest=None, deliver=self._tell_gateways
        )
        self._turn = 0
        self._watcher: asyncio.Task[None] | None = None

    @property
    def record(self) -> ShardRecord:
        """What it publishes."""
        return self.relay.record

    def start(self) -> None:
        """Begin to work."""
        self.base.start()
        self._begin()
        self._commands.listen()
        self._watch_directory_once(-1)
        self._uplinks.start()
        self.relay.start()
        self._keeper.start()
        self._pulse.start()
        self._watcher = asyncio.get_running_loop().create_task(self._watch(), name="relay directory")

    def drain(self) -> None:
        """Take nobody new; gateways ask those who are here to move."""
        self.relay.draining = True
        self._uplinks.leave()

    async def stop(self) -> None:
        """Say goodbye to everybody and let the ports go."""
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
        await self._pulse.stop()
        self._keeper.stop()
        await self.relay.stop()  # before its uplinks, which it would ask for again
        await self._uplinks.stop()
        self._mesh.stop()
        for end in self._end:
            end()

    # -- inside -------------------------------------------------------------------------------------------

    def _open(self, settings: Settings, identity: Identity, trunk: UdpEndpoint | None) -> MediaBase:
        return open_media(
            settings.udp,
            seats={"relay": settings.max_seats},
            public_ips=settings.public_ips,
            media=settings.media,
            identity=identity,
            trunk=trunk,
        )

    def _tell_gateways(self, record: ShardRecord, beat: Heartbeat) -> None:
        """Each gateway its own share: the sum is what is free, so nothing is sold twice."""
        for row in beat.events:
            if self._member.book.is_over(row.event):  # whoever ended it did not reach us
                self.relay.end_event(row.event)
        now = clock.monotonic()
        living = self._gateways.living(now)
        self._turn += 1
        parts = shares(beat.seats_free, dict.fromkeys(living, 0.0), turn=self._turn)
        rate = None if beat.credits is None or not living else beat.credits / len(living)
        beats = {node: replace(beat, seats_free=seats, credits=rate) for node, seats in parts.items()}
        self._gateways.tell_all(beats, record.duty, now)

    def _ask_stages(self, event: bytes) -> None:
        links = {record.node: record.link for record in shards_of(self._member.nodes, "ingest")}
        for node in stage_order(event, links)[:ASKED_STAGES]:
            link = links[node]
            if link is not None:
                self._mesh.tell(WhoIsStage(event, self._uplinks.epoch_of(event)), link)

    def _watch_directory_once(self, known: int) -> int:
        version = self._member.nodes.changes
        if version != known:
            self._uplinks.on_directory(relays_of(self._member.nodes), version)
        return version

    async def _watch(self) -> None:
        known = -1
        while True:
            await sleep_to_round(DIRECTORY_EVERY)
            known = self._watch_directory_once(known)

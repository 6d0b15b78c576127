"""The stage role as part of a cluster node: publishers come in, one program per event goes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from stentor.app.cluster_node import GatewaysHeard, Membership
from stentor.app.media_base import MAX_PUBLISHERS, Identity, open_media
from stentor.app.pulse import Pulse
from stentor.app.settings import Settings
from stentor.app.stage_views import StageViews
from stentor.cluster.leases import Leases
from stentor.core.ids import event_key
from stentor.core.links import EventRow, Heartbeat, HostState, ShardRecord
from stentor.core.outputs import Address
from stentor.core.stage.program import ProgramFrame
from stentor.core.trunk.epochs import Epochs
from stentor.core.trunk.subscribers import Subscribers
from stentor.ingest.ingest import Ingest
from stentor.net import clock
from stentor.net.mesh_port import MeshPort
from stentor.net.python_trunk import PythonTrunk
from stentor.net.trunk_children import TrunkChildren
from stentor.stage.lead import StageLead
from stentor.stage.stage import Stage


class StageNode:
    """Open, `start`, ..., `stop`. `ShardControl` for its own publishers."""

    def __init__(
        self,
        settings: Settings,
        member: Membership,
        mesh: MeshPort,
        trunk: PythonTrunk,
        gateways: GatewaysHeard,
        link: Address,
        *,
        on_heard: Callable[[bytes], None],
        on_own: Callable[[Heartbeat], None] | None,
    ) -> None:
        """Binds the UDP port of publishers; OSError when it is taken. `on_own` takes our heartbeat when the
        gateway is in this process."""
        self._member = member
        self._mesh = mesh
        self._trunk = trunk
        self._gateways = gateways
        self._on_own = on_own
        self.base = open_media(
            settings.udp,
            seats={"ingest": MAX_PUBLISHERS},
            public_ips=settings.public_ips,
            media="python",
            identity=Identity(mesh.node, link),
        )
        self._views = StageViews(member, mesh.node)
        epochs = Epochs()
        self._stage = Stage([self], on_heard=on_heard)
        self.lead = StageLead(
            self._stage,
            Leases(member.directory.store),
            epochs,
            mesh,
            self._views,
            link=link,
            end_publisher=lambda event: self.ingest.end_event(event),
        )
        self.lead.children = TrunkChildren(
            Subscribers(mesh.node, member.secret, epochs),
            mesh,
            trunk,
            on_wanted=self.lead.wanted,
            on_overtaken=self.lead.overtaken,
        )
        door = self.base.doors["ingest"]
        self.ingest = Ingest(door.record, door.shell, self.lead)
        self._pulse = Pulse(
            self.base, member.metrics, relay=None, ingest=self.ingest, deliver=self._tell_gateways
        )

    @property
    def record(self) -> ShardRecord:
        """What it publishes."""
        return self.ingest.record

    def start(self) -> None:
        """Begin to work."""
        assert self.lead.children is not None
        self.base.start()
        self.lead.children.start()
        self.lead.start()
        self.ingest.start()
        self._pulse.start()

    def drain(self) -> None:
        """Take no new publisher, and no event that another stage could take."""
        self.ingest.draining = True
        if self._views.stages():
            self.lead.drain()

    async def emptied(self) -> None:
        """Wait until every publisher has moved, if there is another stage."""
        if self._views.stages():
            await self.ingest.emptied()

    async def stop(self) -> None:
        """Give the leases back and say goodbye to the publishers."""
        assert self.lead.children is not None
        await self._pulse.stop()
        await self.lead.stop()
        await self.ingest.stop()
        self._stage.stop()
        await self.lead.children.stop()
        self.base.stop()

    def frame(self, event: bytes, frame: ProgramFrame, *, now: float) -> None:
        """`FrameSink`: into the trunk, unless another stage leads the event."""
        if self.lead.epoch_of(event):
            self._trunk.send_frame(event, frame, now=now)

    # -- ShardControl -------------------------------------------------------------------------------------

    async def end_session(self, shard: int, session: bytes) -> bool:
        """See `ShardControl.end_session`."""
        return shard == self.record.shard and self.ingest.end_session(session)

    async def end_event(self, event_id: str) -> None:
        """See `ShardControl.end_event`."""
        key = event_key(event_id)
        self.ingest.end_event(key)
        await self.lead.end_event(key)

    async def listeners_of(self, event_id: str) -> int:
        """See `ShardControl.listeners_of`."""
        return 0

    async def set_ptime(self, milliseconds: int | None, *, hold: bool) -> None:
        """See `ShardControl.set_ptime`: a stage has no listeners."""

    async def host_state(self, event_id: str) -> HostState:
        """See `ShardControl.host_state`."""
        return self._stage.host_state(event_key(event_id), now=clock.monotonic())

    # -- inside -------------------------------------------------------------------------------------------

    def _tell_gateways(self, record: ShardRecord, beat: Heartbeat) -> None:
        now = clock.monotonic()
        events = tuple(
            EventRow(event, 0, self._stage.host_state(event, now=now), self.lead.epoch_of(event))
            for event in self.lead.led_events()
        )
        beat = replace(beat, events=events)
        if self._on_own is not None:
            self._on_own(beat)
        living = self._gateways.living(now)
        self._gateways.tell_all(dict.fromkeys(living, beat), record.duty, now)

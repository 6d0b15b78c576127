"""The line of a cluster: every gateway tells all others what it counted, one of them leads.

Because all gateways hear the reports, the next leader knows what the last one knew, also of the tickets that
a dead gateway gave out. Time goes on likewise: tickets are dated by the leader's clock, and whoever leads
next goes on from the time it was told, not from its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from stentor.app.line_book import LineBook
from stentor.app.line_lead import LineLead
from stentor.app.line_notices import NoticeWriter, read_notice
from stentor.app.line_writer import LineWriter
from stentor.cluster.leases import Leases
from stentor.core.mesh.envelope import Sender
from stentor.core.mesh.line_messages import LineNotice, LineReport
from stentor.core.mesh.messages import GatewayBeat
from stentor.core.outputs import Address
from stentor.gateway.line_desk import LineDesk
from stentor.gateway.line_leader import LineLeader
from stentor.gateway.line_notes import LineCounts, Room, ServingNotice
from stentor.gateway.status_source import StatusSource
from stentor.net import clock
from stentor.net.mesh_port import MeshPort, StaleEpochError

SETTLES = 3.0  # seconds that a new leader waits at most until it has heard all of every living gateway
FRESH = 2.5  # seconds: a report of the last two
OFFSETS = 8  # notices: the one that was quickest of so many tells the leader's time


class Gateways(Protocol):
    """The other gateways, see `cluster_node.GatewaysHeard`."""

    def living(self, now: float) -> dict[bytes, Address]:
        """Link by node of those that are heard."""


class MeshLine:
    """`LineLink` of a gateway in a cluster. `start`, ..., `stop`."""

    def __init__(
        self,
        mesh: MeshPort,
        leases: Leases,
        desk: LineDesk,
        leader: LineLeader,
        status: StatusSource,
        *,
        gateways: Gateways,
        links: Callable[[], list[Address]],
        wall: Callable[[], float] = clock.wall,
    ) -> None:
        """`desk`, `leader` and `status` as in `GatewayDeps`; `links()`: where all other gateways are; `wall`:
        our time of day in seconds."""
        self._mesh = mesh
        self._desk = desk
        self._leader = leader
        self._status = status
        self._gateways = gateways
        self._links = links
        self._wall = wall
        self._lead = LineLead(leases, mesh.node)
        self._book = LineBook(desk.laws)
        self._writer = LineWriter()
        self._notices = NoticeWriter()
        self._offsets: deque[int] = deque(maxlen=OFFSETS)
        self._held_since: float | None = None
        self._leads = False

    @property
    def epoch(self) -> int:
        """Of the leader that this gateway follows, or is; 0: none yet."""
        return self._lead.epoch

    def start(self) -> None:
        """Begin to listen, and to look for a leader."""
        self._mesh.on(LineReport, self._on_report)
        self._mesh.on(LineNotice, self._on_notice)
        self._lead.start()

    async def stop(self) -> None:
        """Let somebody else lead."""
        await self._lead.stop()

    def on_beat(self, beat: GatewayBeat, sender: Sender) -> None:
        """Another gateway says which leader it follows."""
        self._lead.on_epoch(beat.leader_epoch)

    # -- LineLink -----------------------------------------------------------------------------------------

    def is_leading(self) -> bool:
        """See `LineLink.is_leading`. A new leader first makes sure that it knows what the last one knew."""
        now = clock.monotonic()
        if not self._lead.is_holding():
            self._held_since, self._leads = None, False
            return False
        if self._held_since is None:
            self._held_since = now
        if not self._leads and self._is_settled(now, self._held_since):
            self._take_over()
            self._leads = True
        return self._leads

    def report(self, counts: Sequence[LineCounts], room: Room) -> None:
        """See `LineLink.report`; to all gateways."""
        links = self._links()
        for report in self._writer.reports(counts, room):
            for link in links:
                self._mesh.tell(report, link)

    def announce(self, notices: Sequence[ServingNotice]) -> None:
        """See `LineLink.announce`. What the leader itself counted goes with it, for the next one."""
        wall_ms = self._now_ms()
        links = self._links()
        for notice in self._notices.notices(notices, leader_epoch=self._lead.epoch, wall_ms=wall_ms):
            for link in links:
                self._mesh.tell(notice, link)
        self.report([line.counts() for line in self._desk.lines()], self._desk.room)

    # -- what others say ----------------------------------------------------------------------------------

    def _on_report(self, report: LineReport, sender: Sender) -> None:
        now = clock.monotonic()
        known = self._book.take(sender.node, report, now=now)
        if self._leads:
            self._leader.on_room(sender.node, Room(report.free, report.offered, report.credit_rate), now=now)
            for counts in known:
                self._leader.on_counts(sender.node, counts, now=now)

    def _on_notice(self, notice: LineNotice, sender: Sender) -> None:
        """StaleEpochError for the word of somebody who was replaced."""
        if not self._lead.on_word(notice.leader_epoch, sender.node):
            raise StaleEpochError("leader", notice.leader_epoch, self._lead.epoch)
        self._leads, self._held_since = False, None
        # A datagram that was long under way makes the leader's clock look slow, never fast.
        self._offsets.append(notice.wall_ms - round(self._wall() * 1000))
        self._status.leader_offset_ms = max(self._offsets)
        now, wall_ms = clock.monotonic(), self._now_ms()
        for line in read_notice(notice, now=now):
            if line.waiting or line.present or self._desk.line(line.event) is not None:
                self._desk.on_notice(line, now=now, wall_ms=wall_ms)

    # -- inside -------------------------------------------------------------------------------------------

    def _now_ms(self) -> int:
        return round(self._wall() * 1000) + self._status.leader_offset_ms

    def _is_settled(self, now: float, since: float) -> bool:
        if now - since >= SETTLES:
            return True
        return all(self._book.knows(node, since=now - FRESH) for node in self._gateways.living(now))

    def _take_over(self) -> None:
        """Begin where the line is: at the highest thresholds and release that anybody has seen."""
        # The clock goes on, too: should we follow again, it is this one.
        self._offsets.append(self._status.leader_offset_ms)
        own = {line.event: line.counts() for line in self._desk.lines()}
        known = self._book.everything()
        for event in own.keys() | {counts.event for _, counts, _ in known}:
            self._leader.forget(event)
        for node, counts, heard_at in known:
            mine = own.get(counts.event)
            number = counts.number if mine is None else max(counts.number, mine.number)
            self._leader.on_counts(node, replace(counts, number=number), now=heard_at)
        for node, room, heard_at in self._book.rooms():
            self._leader.on_room(node, room, now=heard_at)

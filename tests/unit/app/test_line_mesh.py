"""Three gateways in virtual time: one leads, the others follow; leaders die, are cut off, and come back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from stentor.app.line_mesh import MeshLine
from stentor.core.admission.line import Serving
from stentor.core.admission.ticket import Ticket
from stentor.core.mesh.line_messages import LineNotice
from stentor.core.mesh.messages import GatewayBeat
from stentor.core.outputs import Address
from stentor.gateway.line_desk import LineDesk, Verdict
from stentor.gateway.line_leader import LineLeader
from stentor.gateway.line_notes import Room
from stentor.gateway.status_source import StatusSource
from stentor.net import clock
from support.lease_memory import LeaseMemory, LeasesInMemory
from support.mesh import MeshWire, address_of
from support.virtual_loop import run_virtually

EVENT = b"event..!"
EPOCH = 1_790_000_000.0  # seconds: the day on which the virtual loop begins
TAKEN_OVER = 7.0  # seconds: silence, the lease's end, another second, and hearing all reports


class Node:
    """One gateway: the beats of `LineBeat` and `GatewayNode` without HTTP and shards."""

    def __init__(self, cluster: Cluster, name: str, ahead: float) -> None:
        self.cluster, self.name, self.ahead = cluster, name, ahead
        self.room = Room(free=0, offered=100, credit_rate=2.0)
        self.is_up = True
        self.heard: dict[bytes, tuple[float, Address]] = {}
        self.leases = LeasesInMemory(cluster.memory)
        self.desk, self.leader, self.status = LineDesk(), LineLeader(), StatusSource()
        self.mesh = cluster.wire.port(name)
        self.line = MeshLine(
            *(self.mesh, self.leases, self.desk, self.leader, self.status),
            gateways=self,
            links=self.links,
            wall=self.wall,
        )
        self.mesh.on(GatewayBeat, self._on_beat)
        self.line.start()
        self.task = asyncio.create_task(self._go_on())

    def wall(self) -> float:
        return EPOCH + clock.monotonic() + self.ahead

    def now_ms(self) -> int:
        return round(self.wall() * 1000) + self.status.leader_offset_ms

    def living(self, now: float) -> dict[bytes, Address]:
        return {node: link for node, (at, link) in self.heard.items() if now - at <= 3.5}

    def links(self) -> list[Address]:
        return [address_of(name) for name in self.cluster.nodes if name != self.name]

    def take_ticket(self) -> Ticket:
        self.cluster.tickets += 1
        ticket = Ticket(EVENT, 1, self.cluster.tickets.to_bytes(8, "big"), self.now_ms(), 0, 0)
        self.desk.turned_back(EVENT, 1, ticket, verdict=Verdict("enter"), now=clock.monotonic())
        return ticket

    @property
    def serving(self) -> Serving:
        line = self.desk.line(EVENT)
        return Serving() if line is None else line.serving

    def _on_beat(self, beat: GatewayBeat, sender: object) -> None:
        self.heard[sender.node] = clock.monotonic(), sender.address  # type: ignore[attr-defined]
        self.line.on_beat(beat, sender)  # type: ignore[arg-type]

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            if not self.is_up:
                continue
            for link in self.links():
                self.mesh.tell(GatewayBeat(self.line.epoch), link)
            now = clock.monotonic()
            counts = [line.counts() for line in self.desk.lines()]
            if self.line.is_leading():
                self.leader.on_room(b"", self.room, now=now)
                for count in counts:
                    self.leader.on_counts(b"", count, now=now)
                notices = self.leader.step(now, now_ms=self.now_ms())
                for notice in notices:
                    self.desk.on_notice(notice, now=now, wall_ms=self.now_ms())
                self.line.announce(notices)
            else:
                self.line.report(counts, self.room)
            self.desk.tick(now, self.room)


class Cluster:
    """Gateways a, b and c, whose clocks are some seconds apart."""

    def __init__(self) -> None:
        self.memory = LeaseMemory(clock.monotonic)
        self.wire = MeshWire()
        self.tickets = 0
        self.cut: set[str] = set()
        carry = self.wire.carry

        def carry_unless_cut(data: bytes, source: Address, to: Address) -> None:
            if not {source, to} & {address_of(name) for name in self.cut}:
                carry(data, source, to)

        self.wire.carry = carry_unless_cut  # type: ignore[method-assign]
        self.nodes: dict[str, Node] = {}
        for name, ahead in (("a", 0.0), ("b", 40.0), ("c", -25.0)):
            self.nodes[name] = Node(self, name, ahead)

    def leading(self) -> list[str]:
        return [name for name, node in self.nodes.items() if node.is_up and node.line.is_leading()]

    def cut_off(self, name: str) -> None:
        """Neither peers nor the store."""
        self.cut.add(name)
        self.nodes[name].leases.is_away = True

    def heal(self) -> None:
        self.cut.clear()
        for node in self.nodes.values():
            node.leases.is_away = False

    def store_away(self, away: bool = True) -> None:
        for node in self.nodes.values():
            node.leases.is_away = away

    async def stop(self, name: str) -> None:
        """A process that is killed: it says nothing any more, and does not let go of its lease."""
        node = self.nodes[name]
        self.cut_off(name)
        node.is_up = False
        await node.line.stop()

    async def queue(self, people: int) -> list[Ticket]:
        """People who come one by one, half a second apart, to each gateway in turn."""
        tickets = []
        for number in range(people):
            up = [node for node in self.nodes.values() if node.is_up]
            tickets.append(up[number % len(up)].take_ticket())
            await asyncio.sleep(0.5)
        return tickets


def among_three(monkeypatch: pytest.MonkeyPatch, story: Callable[[Cluster], Awaitable[None]]) -> None:
    async def main() -> None:
        cluster = Cluster()
        await asyncio.sleep(4.5)
        await story(cluster)

    run_virtually(monkeypatch, main())


def test_one_leads_and_the_others_follow_it_and_its_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(cluster: Cluster) -> None:
        assert cluster.leading() == ["a"]
        assert {node.line.epoch for node in cluster.nodes.values()} == {1}
        times = [node.now_ms() for node in cluster.nodes.values()]
        assert max(times) - min(times) <= 1

    among_three(monkeypatch, story)


def test_followers_do_not_ask_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(cluster: Cluster) -> None:
        before = cluster.memory.asked
        await asyncio.sleep(60.0)
        assert cluster.memory.asked - before <= 61  # the leader's renewals

    among_three(monkeypatch, story)


def test_line_is_called_in_order_of_arrival_over_all_gateways(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(cluster: Cluster) -> None:
        tickets = await cluster.queue(30)
        assert [ticket.arrival_ms for ticket in tickets] == sorted(t.arrival_ms for t in tickets)
        cluster.nodes["b"].room = Room(free=7, offered=100, credit_rate=2.0)
        await asyncio.sleep(4.0)
        for node in cluster.nodes.values():
            line = node.desk.line(EVENT)
            assert line is not None
            called = [line.is_called(ticket) for ticket in tickets]
            assert called == sorted(called, reverse=True) and 5 <= sum(called) <= 24
            assert node.serving == cluster.nodes["a"].serving

    among_three(monkeypatch, story)


def test_next_leader_knows_the_line_of_the_dead_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(cluster: Cluster) -> None:
        a = cluster.nodes["a"]
        tickets = await cluster.queue(30)
        a.room = Room(free=6, offered=100, credit_rate=2.0)
        await asyncio.sleep(3.0)
        a.room = Room(free=0, offered=100, credit_rate=2.0)
        await asyncio.sleep(2.0)
        serving, number = a.serving, max(line.counts().number for line in a.desk.lines())
        assert serving.arrival_ms > 0 and number > 0
        before = cluster.nodes["b"].now_ms()
        await cluster.stop("a")
        await asyncio.sleep(TAKEN_OVER)
        (leader,) = cluster.leading()
        node = cluster.nodes[leader]
        assert leader in "bc" and node.line.epoch == 2
        assert node.serving == serving  # the house is full
        line = node.desk.line(EVENT)
        assert line is not None
        assert line.waiting == sum(ticket.arrival_ms > serving.arrival_ms for ticket in tickets)
        assert abs(node.now_ms() - before - 1000 * TAKEN_OVER) <= 1  # time goes on, whoever's clock it is
        node.room = Room(free=5, offered=100, credit_rate=2.0)
        await asyncio.sleep(3.0)
        assert node.serving.arrival_ms > serving.arrival_ms
        assert line.counts().number > number

    among_three(monkeypatch, story)


def test_leader_that_lets_go_is_followed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(cluster: Cluster) -> None:
        cluster.nodes["a"].is_up = False
        await cluster.nodes["a"].line.stop()
        await asyncio.sleep(TAKEN_OVER)
        assert len(cluster.leading()) == 1

    among_three(monkeypatch, story)


def test_deposed_leader_is_not_listened_to_learns_it_and_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(cluster: Cluster) -> None:
        a, b = cluster.nodes["a"], cluster.nodes["b"]
        await cluster.queue(12)
        cluster.cut_off("a")
        await asyncio.sleep(TAKEN_OVER)
        (leader,) = set(cluster.leading()) - {"a"}
        cluster.heal()
        serving = b.serving
        stale = LineNotice(1, a.now_ms() + 99_000_000)
        a.mesh.tell(stale, address_of("b"))
        await asyncio.sleep(0.1)
        assert b.mesh.dropped["stale leader"] >= 1
        await asyncio.sleep(3.0)
        assert cluster.leading() == [leader]
        assert {node.line.epoch for node in cluster.nodes.values()} == {2}
        assert b.serving.arrival_ms >= serving.arrival_ms
        times = [node.now_ms() for node in cluster.nodes.values()]
        assert max(times) - min(times) <= 1

    among_three(monkeypatch, story)


def test_leader_goes_on_without_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(cluster: Cluster) -> None:
        cluster.store_away()
        await cluster.queue(30)
        cluster.nodes["c"].room = Room(free=5, offered=100, credit_rate=2.0)
        await asyncio.sleep(600.0)
        assert cluster.leading() == ["a"] and cluster.nodes["c"].serving.arrival_ms > 0
        cluster.memory.lose_everything()
        cluster.store_away(False)
        await asyncio.sleep(30.0)
        assert cluster.leading() == ["a"] and cluster.nodes["b"].line.epoch == 1

    among_three(monkeypatch, story)


def test_without_store_and_leader_nobody_leads_until_the_store_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story(cluster: Cluster) -> None:
        cluster.store_away()
        await cluster.stop("a")
        await asyncio.sleep(60.0)
        assert cluster.leading() == []
        cluster.memory.lose_everything()
        cluster.nodes["b"].leases.is_away = cluster.nodes["c"].leases.is_away = False
        await asyncio.sleep(TAKEN_OVER)
        (leader,) = cluster.leading()
        assert cluster.nodes[leader].line.epoch == 2  # above the highest anyone has seen

    among_three(monkeypatch, story)


def test_of_two_leaders_with_one_epoch_the_higher_id_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(cluster: Cluster) -> None:
        low, high = cluster.wire.port("0"), cluster.wire.port("z")
        b = cluster.nodes["b"]
        for port, refused in ((high, 0), (low, 1), (high, 1)):
            port.tell(LineNotice(9, b.now_ms()), address_of("b"))
            await asyncio.sleep(0.01)
            assert b.mesh.dropped["stale leader"] == refused
        assert b.line.epoch == 9

    among_three(monkeypatch, story)


def test_who_was_stopped_for_a_while_does_not_lead_before_it_has_looked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story(cluster: Cluster) -> None:
        a = cluster.nodes["a"]
        a.is_up = False  # no beat, and nobody asks
        await asyncio.sleep(2.6)
        assert not a.line.is_leading()
        a.is_up = True
        await asyncio.sleep(1.5)
        assert not a.line.is_leading()
        await asyncio.sleep(1.0)
        assert a.line.is_leading()

    among_three(monkeypatch, story)


def test_peer_that_follows_a_higher_epoch_deposes_the_leader(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(cluster: Cluster) -> None:
        cluster.wire.port("z").tell(GatewayBeat(7), address_of("a"))
        await asyncio.sleep(0.01)
        assert not cluster.nodes["a"].line.is_leading()
        await asyncio.sleep(TAKEN_OVER)
        (leader,) = cluster.leading()
        assert cluster.nodes[leader].line.epoch > 7

    among_three(monkeypatch, story)

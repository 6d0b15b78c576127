"""A gateway and two shard processes joined in memory: what is ordered is done, once per process."""

from __future__ import annotations

import asyncio

import pytest

from stentor.app.mesh_commands import MeshCommands
from stentor.app.mesh_control import MeshControl
from stentor.core.ids import event_key
from stentor.core.links import Duty, EventRow, Heartbeat, HostState, ShardRecord
from stentor.core.mesh.messages import MAX_EVENTS, heartbeats_of
from stentor.gateway.event_table import EventTable
from stentor.gateway.shard_table import ShardTable
from stentor.net import clock
from stentor.net.mesh_port import MeshPort
from support.mesh import MeshWire, address_of, node_of
from support.virtual_loop import run_virtually

EVENT = "abcd2345"


class Recording:
    """A `ShardControl` that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    async def end_session(self, shard: int, session: bytes) -> bool:
        self.told.append(("end_session", shard, session))
        return session == b"existing"

    async def end_event(self, event_id: str) -> None:
        self.told.append(("end_event", event_id))

    async def listeners_of(self, event_id: str) -> int:
        return 0

    async def set_ptime(self, milliseconds: int | None, *, hold: bool) -> None:
        self.told.append(("set_ptime", milliseconds, hold))

    async def host_state(self, event_id: str) -> HostState:
        return "none"


def record(shard: int, name: str, duty: Duty = "relay") -> ShardRecord:
    return ShardRecord(shard, duty, 0, bytes(32), "AB", (), node_of(name), address_of(name))


class Cluster:
    """Gateway "g"; process "r" has relay 1; process "s" has relay 2 and ingest 3."""

    def __init__(self) -> None:
        self.wire = MeshWire()
        self.shards = ShardTable()
        self.local = Recording()
        port = self.wire.port("g")
        self.control = MeshControl(port, self.shards, EventTable(), local=self.local)
        self.control.listen()
        self.ports: dict[str, MeshPort] = {}
        self.far: dict[str, Recording] = {}
        for name in ("r", "s"):
            self.far[name], self.ports[name] = Recording(), self.wire.port(name)
            MeshCommands(self.ports[name], self.far[name]).listen()
        for published in (record(1, "r"), record(2, "s"), record(3, "s", "ingest")):
            self.shards.on_record(published)

    async def beat(self, name: str, shard: int, *rows: EventRow, duty: Duty = "relay") -> None:
        beat = Heartbeat(shard, 5.0, "ready", 10, 0, 20, 5.0, 20, rows)
        for message in heartbeats_of(beat, duty):
            self.ports[name].tell(message, address_of("g"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def beat_all(self) -> None:
        await self.beat("r", 1)
        await self.beat("s", 2)
        await self.beat("s", 3, duty="ingest")


async def test_heartbeat_over_the_mesh_gives_a_shard_to_listeners() -> None:
    cluster = Cluster()
    assert cluster.shards.pick("relay", bytes(8), clock.monotonic()) is None
    await cluster.beat("r", 1)
    picked = cluster.shards.pick("relay", bytes(8), clock.monotonic())
    assert picked is not None and picked.shard == 1


async def test_heartbeat_of_another_process_is_not_believed() -> None:
    cluster = Cluster()
    await cluster.beat("s", 1, EventRow(event_key(EVENT), 5))
    await cluster.beat("r", 99)
    assert not cluster.shards.is_served("relay", clock.monotonic())
    assert await cluster.control.listeners_of(EVENT) == 0


async def test_session_is_ended_where_it_is() -> None:
    cluster = Cluster()
    await cluster.beat_all()
    assert await cluster.control.end_session(2, b"existing") is True
    assert await cluster.control.end_session(1, b"unknown!") is False
    assert await cluster.control.end_session(77, b"existing") is False
    assert cluster.far["s"].told == [("end_session", 2, b"existing")]
    assert cluster.far["r"].told == [("end_session", 1, b"unknown!")]


async def test_session_of_our_own_process_needs_no_datagram() -> None:
    cluster = Cluster()
    cluster.shards.on_record(record(5, "g"))
    cluster.control.on_own(Heartbeat(5, 5.0, "ready", 10, 0, events=(EventRow(event_key(EVENT), 4),)))
    assert await cluster.control.end_session(5, b"existing") is True
    assert await cluster.control.listeners_of(EVENT) == 4
    assert cluster.wire.sent == [] and cluster.local.told == [("end_session", 5, b"existing")]


async def test_event_ends_once_in_every_process() -> None:
    cluster = Cluster()
    await cluster.beat_all()
    await cluster.control.end_event(EVENT)
    for told in (cluster.local.told, cluster.far["r"].told, cluster.far["s"].told):
        assert told == [("end_event", EVENT)]


async def test_packet_length_and_that_it_goes_by_the_load_again_reach_every_process() -> None:
    cluster = Cluster()
    await cluster.beat_all()
    await cluster.control.set_ptime(60, hold=True)
    await cluster.control.set_ptime(None, hold=False)
    for told in (cluster.local.told, cluster.far["r"].told, cluster.far["s"].told):
        assert told == [("set_ptime", 60, True), ("set_ptime", None, False)]


def test_process_that_does_not_answer_holds_up_the_others_for_half_a_second(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        cluster = Cluster()
        await cluster.beat_all()
        cluster.wire.loses = lambda number: cluster.wire.sent[number][1] == address_of("r")
        began = clock.monotonic()
        await cluster.control.end_event(EVENT)
        assert await cluster.control.end_session(1, b"existing") is False
        assert clock.monotonic() - began == pytest.approx(0.9)
        assert cluster.far["s"].told == [("end_event", EVENT)]

    run_virtually(monkeypatch, main())
    assert "1 of 2 nodes do not answer" in caplog.text


async def test_listeners_and_host_come_from_heartbeats() -> None:
    cluster = Cluster()
    key = event_key(EVENT)
    many = tuple(EventRow(number.to_bytes(8, "big"), 1) for number in range(MAX_EVENTS))
    await cluster.beat("r", 1, *many, EventRow(key, 40))
    await cluster.beat("s", 2, EventRow(key, 2))
    await cluster.beat("s", 3, EventRow(key, 0, "present", 1), duty="ingest")
    assert await cluster.control.listeners_of(EVENT) == 42
    assert await cluster.control.host_state(EVENT) == "present"
    assert await cluster.control.host_state("other2345") == "none"

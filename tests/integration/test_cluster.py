"""A cluster of real processes: what hosts and listeners hear while nodes come, go and die."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from chaos.cluster import ask, post
from support.cluster_processes import ClusterProcesses, NodeProcess, read_json
from support.labelled_audio import SILENCE, Ear, Host, audience, join, on_air
from support.server_process import Event, ServerProcess
from support.waiting import until

NODES = ("gateway1", "gateway2", "stage1", "stage2", "relay1", "relay2")
STAGE_BACK = 12.0  # seconds: the lease of a stage that died lasts 3, and the machine is busy
pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterProcesses]:
    cluster = ClusterProcesses(tmp_path_factory.mktemp("cluster"), NODES)
    try:
        yield cluster
    finally:
        cluster.close()


@pytest.fixture
def cluster(standing: ClusterProcesses) -> ClusterProcesses:
    standing.heal()
    return standing


@pytest.fixture
def event(cluster: ClusterProcesses) -> Event:
    return cluster.create_event()


@pytest.fixture
def first(cluster: ClusterProcesses) -> str:
    return cluster.gateways[0].base


@pytest.fixture
def second(cluster: ClusterProcesses) -> str:
    return cluster.gateways[1].base


def epoch_at(stage: NodeProcess, event: Event) -> int:
    """The highest epoch with which it said that it leads the event, 0 for none."""
    said = stage.process.said().split(f"stage of event {event.id}, epoch ")
    return max((int(rest.split()[0]) for rest in said[1:]), default=0)


def leading_stage(cluster: ClusterProcesses, event: Event) -> NodeProcess:
    return max(cluster.of("stage"), key=lambda stage: epoch_at(stage, event))


def refused_as_stale(node: NodeProcess) -> float:
    """Words of a stage that was replaced."""
    sample = 'stentor_datagrams_dropped_total{reason="mesh stale stage"} '
    lines = (ask(f"{node.base}/metrics") or b"").decode().splitlines()
    return sum(float(line.removeprefix(sample)) for line in lines if line.startswith(sample))


def other(nodes: list[NodeProcess], than: NodeProcess) -> NodeProcess:
    (found,) = (node for node in nodes if node is not than)
    return found


async def test_what_one_gateway_let_in_is_heard_through_all_and_ended_through_any(
    cluster: ClusterProcesses, event: Event, first: str, second: str
) -> None:
    async with on_air(event, "host", first) as host, audience(event, second, 4) as ears:
        assert {ear.relay_port for ear in ears} == {relay.udp_port for relay in cluster.of("relay")}
        for ear in ears:
            await ear.hears("host")
            ear.assert_unbroken()
        for gateway in (first, second):
            await until(partial(is_count, gateway, 4), what=f"all four counted at {gateway}")
        gone, *rest = ears
        async with aiohttp.ClientSession() as http, http.delete(first + gone.session_path) as answer:
            assert answer.status == 200
        for ear in rest:
            await ear.hears("host")
        await until(partial(is_count, first, 3), what="the one whose session was deleted is gone")

        await asyncio.to_thread(post, f"{second}/api/events/{event.id}/end", {}, key=event.host_key)
        await asyncio.wait_for(host.is_over.wait(), 5)
        await until(partial(is_count, first, 0), what="nobody listens to an event that is over")


async def test_events_at_once_over_the_same_shards_do_not_hear_each_other(
    cluster: ClusterProcesses, first: str, second: str
) -> None:
    events = [cluster.create_event() for _ in range(3)]
    hosts = [await Host(event, f"host{n}", first).start() for n, event in enumerate(events)]
    try:
        async with (
            audience(events[0], first, 2) as one,
            audience(events[1], second, 2) as two,
            audience(events[2], first, 2) as three,
        ):
            for number, ears in enumerate((one, two, three)):
                for ear in ears:
                    await ear.hears(f"host{number}")
                    ear.assert_unbroken()
                    assert set(ear.heard) <= {f"host{number}", SILENCE}
    finally:
        for host in hosts:
            await host.stop()


async def test_stage_that_dies_is_followed_by_another_and_nobody_is_disconnected(
    cluster: ClusterProcesses, event: Event, first: str, second: str
) -> None:
    async with on_air(event, "before", first), audience(event, second, 4) as ears:
        for ear in ears:
            await ear.hears("before")
        dead = leading_stage(cluster, event)
        successor = other(cluster.of("stage"), dead)
        dead.process.kill()
        for ear in ears:
            await ear.hears(SILENCE)
        await until(partial(epoch_at, successor, event), within=STAGE_BACK, what="another stage leads")
        async with on_air(event, "after", first):
            for ear in ears:
                await ear.hears("after")
                ear.assert_unbroken()


async def test_stage_that_slept_is_deposed_and_sends_its_publisher_away(
    cluster: ClusterProcesses, event: Event, first: str, second: str
) -> None:
    async with on_air(event, "before", first) as host, audience(event, second, 2) as ears:
        for ear in ears:
            await ear.hears("before")
        slept = leading_stage(cluster, event)
        successor = other(cluster.of("stage"), slept)
        slept.process.pause()
        try:
            await until(partial(epoch_at, successor, event), within=STAGE_BACK, what="another stage leads")
            async with on_air(event, "after", first):
                for ear in ears:
                    await ear.hears("after")
                ports = {ear.relay_port for ear in ears}
                relays = [relay for relay in cluster.of("relay") if relay.udp_port in ports]
                refused = [refused_as_stale(relay) for relay in relays]
                slept.process.go_on()
                await asyncio.wait_for(host.is_over.wait(), 8)
                before = {ear: ear.heard["before"] for ear in ears}
                for ear in ears:
                    await ear.hears("after")
                    ear.assert_unbroken()
                    assert ear.heard["before"] == before[ear]  # what it still had to say was not heard
                assert leading_stage(cluster, event) is successor
                # It answered what relays had asked it in its sleep: that it leads.
                for relay, count in zip(relays, refused, strict=True):
                    assert refused_as_stale(relay) > count
        finally:
            slept.process.go_on()


async def test_joins_go_to_the_relay_that_is_left(
    cluster: ClusterProcesses, event: Event, first: str
) -> None:
    async with on_air(event, "host", first), audience(event, first, 4) as ears:
        dead, left = cluster.of("relay")
        dead.process.kill()
        stay = [ear for ear in ears if ear.relay_port == left.udp_port]
        assert stay
        async with audience(event, first, 4) as late:
            assert {ear.relay_port for ear in late} == {left.udp_port}
            for ear in (*stay, *late):
                await ear.hears("host")
                ear.assert_unbroken()


async def test_any_gateway_answers_for_one_that_died(
    cluster: ClusterProcesses, event: Event, first: str, second: str
) -> None:
    async with on_air(event, "host", second), audience(event, first, 2) as ears:
        cluster.gateways[0].process.kill()
        async with audience(event, second, 2) as late:
            for ear in (*ears, *late):
                await ear.hears("host")
                ear.assert_unbroken()
            async with aiohttp.ClientSession() as http:
                for ear in ears:
                    async with http.delete(second + ear.session_path) as answer:
                        assert answer.status == 200


async def test_drained_relay_asks_its_listeners_to_move_and_ends_when_it_is_empty(
    cluster: ClusterProcesses, event: Event, first: str
) -> None:
    async with on_air(event, "host", first), audience(event, first, 4) as ears:
        drained, left = cluster.of("relay")
        there = [ear for ear in ears if ear.relay_port == drained.udp_port]
        assert there
        drained.drain()
        status = f"{first}/api/events/{event.id}/status"
        await until(lambda: read_json(status)["moves"], what="listeners are asked to move")
        assert ask(f"{drained.base}/readyz") is None
        for ear in there:
            await ear.hears("host")  # until it has moved, it is served
            ear.assert_unbroken()
        async with aiohttp.ClientSession() as http:
            for ear in there:
                moved = Ear(http, event, first)
                await join(moved)
                assert moved.relay_port == left.udp_port
                await ear.listener.leave()
                moved.listener.vanish()
        await until(lambda: drained.process.exit_code is not None, within=10, what="the empty relay ends")
        assert drained.process.exit_code == 0


async def test_gateway_starts_from_what_it_knew_when_the_store_is_gone(
    cluster: ClusterProcesses, event: Event, first: str, second: str
) -> None:
    async with on_air(event, "host", second), audience(event, second, 2) as ears:
        known = cluster.gateways[0]
        await until(lambda: knows(known, event), what="the event is live at the first gateway")
        await asyncio.to_thread(known.process.stop)
        await asyncio.to_thread(cluster.kill_store)
        known.process.start()
        await asyncio.to_thread(known.wait_until_ready)
        async with audience(event, first, 2) as late:
            for ear in (*ears, *late):
                await ear.hears("host")
                ear.assert_unbroken()
        await asyncio.to_thread(cluster.heal)  # the store is back, empty
        for ear in ears:
            await ear.hears("host")
            ear.assert_unbroken()


async def test_workers_of_one_machine_serve_its_listeners_and_do_not_outlive_it(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, options=("--workers", "2"))
    try:
        await asyncio.to_thread(server.start)
        secrets = (tmp_path / "secrets.json").read_bytes()
        event = server.create_event()
        await until(lambda: ready_relays(server.base) == 2, within=20.0, what="both workers are ready")
        async with on_air(event, "host", server.base), audience(event, server.base, 6) as ears:
            assert {ear.relay_port for ear in ears} == {server.udp_port + 1, server.udp_port + 2}
            for ear in ears:
                await ear.hears("host")
                ear.assert_unbroken()
            workers = children_of(server.pid)
            assert len(workers) >= 2
            server.kill()
        await until(partial(are_gone, workers), what="workers end")
        await asyncio.to_thread(server.start)  # the ports are free, and nothing has changed
        assert (tmp_path / "secrets.json").read_bytes() == secrets
        workers = children_of(server.pid)
        await asyncio.to_thread(server.stop)
        assert are_gone(workers)
    finally:
        server.kill()


def ready_relays(base: str) -> int:
    """How many take listeners: the server is ready as soon as one of them does."""
    rows = read_json(f"{base}/api/cluster")["shards"]
    return sum(row["duty"] == "relay" and row["state"] == "ready" for row in rows)


def children_of(pid: int) -> list[int]:
    """Process ids of the relays that a server has started."""
    pids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [
        int(child) for child in pids if b"stentor.app.worker" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def are_gone(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def is_count(gateway: str, listeners: int) -> bool:
    return bool(read_json(f"{gateway}/api/cluster")["listeners"] == listeners)


def knows(gateway: NodeProcess, event: Event) -> bool:
    return bool(read_json(f"{gateway.base}/api/events/{event.id}")["phase"] == "live")

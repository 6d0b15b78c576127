"""What the scenarios rely on: hosts, links, processes and stores that do what is asked of them."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos.host import Host as Talker
from chaos.hosts import CROWD, CROWD_HOST, HERE, Host, network
from chaos.link_model import LinkSettings
from chaos.process import ChaosProcess
from chaos.store import PORT, SLOW_PORT, SentinelStore, ask, running_store
from chaos.swarm import Swarm
from chaos.udp_link import UdpLink
from chaos.verdict import share_back, silent_shards
from support.server_process import ServerProcess
from support.waiting import wait_for

ECHO = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", int(sys.argv[1])))
print("ready", flush=True)
while True:
    data, source = s.recvfrom(2048)
    s.sendto(data, source)
"""
ASK = """
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(0.3)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)  # answers wait until all questions are asked
count = int(sys.argv[3])
for number in range(count):
    s.sendto(str(number).encode(), (sys.argv[1], int(sys.argv[2])))
    time.sleep(0.001)
heard = set()
sources = set()
try:
    while True:
        data, source = s.recvfrom(2048)
        heard.add(data)
        sources.add(source)
except TimeoutError:
    print(len(heard), *(f"{host}:{port}" for host, port in sources))
"""


@pytest.fixture(scope="module")
def hosts() -> Iterator[dict[str, Host]]:
    with network(["one", "two", CROWD_HOST]) as hosts:
        yield hosts


@pytest.fixture
def echo(hosts: dict[str, Host], tmp_path: Path) -> Iterator[ChaosProcess]:
    process = ChaosProcess("echo", [*hosts["two"].prefix, sys.executable, "-c", ECHO, "7000"], tmp_path)
    process.start()
    process.wait_for_log("ready", timeout=10)
    yield process
    process.close()


def answers(host: Host, to: tuple[str, int], count: int) -> tuple[int, list[str]]:
    heard, *sources = host.run(sys.executable, "-c", ASK, to[0], str(to[1]), str(count)).split()
    return int(heard), sources


def test_hosts_reach_one_another_and_us(hosts: dict[str, Host], echo: ChaosProcess) -> None:
    two = (hosts["two"].address, 7000)
    assert answers(hosts["one"], two, 50) == (50, [f"{two[0]}:7000"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
        ours.settimeout(2)
        ours.sendto(b"from here", two)
        assert ours.recv(100) == b"from here"


def test_every_listener_has_an_address_that_others_reach(hosts: dict[str, Host], tmp_path: Path) -> None:
    command = [*hosts[CROWD_HOST].prefix, sys.executable, "-c", ECHO, "7001"]
    process = ChaosProcess("crowd", command, tmp_path)
    process.start()
    try:
        process.wait_for_log("ready", timeout=10)
        assert answers(hosts["one"], (str(CROWD[12345]), 7001), 5)[0] == 5
    finally:
        process.close()


def test_random_loss_drops_its_share_and_ends(hosts: dict[str, Host], echo: ChaosProcess) -> None:
    two = (hosts["two"].address, 7000)
    with hosts["two"].losing(0.2, port=7000):
        heard, _ = answers(hosts["one"], two, 500)
        assert hosts["two"].dropped() == 500 - heard
    assert 340 < heard < 450
    assert answers(hosts["one"], two, 50)[0] == 50


def test_host_that_is_cut_off_hears_nothing(hosts: dict[str, Host], echo: ChaosProcess) -> None:
    two = (hosts["two"].address, 7000)
    with hosts["two"].cut_off():
        assert answers(hosts["one"], two, 10) == (0, [])
    assert answers(hosts["one"], two, 10)[0] == 10


def test_detour_leads_through_a_bad_link_and_looks_like_the_usual_way(
    hosts: dict[str, Host], echo: ChaosProcess
) -> None:
    two = (hosts["two"].address, 7000)
    link = UdpLink((HERE, 0), two, LinkSettings(loss=0.1, delay=0.01, jitter=0.02, keep_order=False), seed=3)
    carrying = threading.Thread(target=link.run)
    carrying.start()
    try:
        with hosts["one"].detour(two, link.address):
            heard, sources = answers(hosts["one"], two, 500)
    finally:
        link.stop()
        carrying.join(5)
    assert sources == [f"{two[0]}:7000"]
    assert 0.7 < heard / 500 < 0.9  # a tenth each way
    assert link.counts.lost > 50
    assert link.counts.overtaken > 20


def test_link_that_only_delays_keeps_every_datagram(hosts: dict[str, Host], echo: ChaosProcess) -> None:
    link = UdpLink((HERE, 0), (hosts["two"].address, 7000), LinkSettings(delay=0.1), seed=1)
    carrying = threading.Thread(target=link.run)
    carrying.start()
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
            ours.settimeout(2)
            began = time.monotonic()
            for number in range(20):
                ours.sendto(str(number).encode(), link.address)
            assert [int(ours.recv(100)) for _ in range(20)] == list(range(20))
            assert 0.2 <= time.monotonic() - began < 0.6
    finally:
        link.stop()
        carrying.join(5)


def test_process_is_paused_continued_and_killed(hosts: dict[str, Host], echo: ChaosProcess) -> None:
    two = (hosts["two"].address, 7000)
    echo.pause()
    assert answers(hosts["one"], two, 3)[0] == 0
    echo.go_on()
    assert answers(hosts["one"], two, 3)[0] == 3
    echo.kill()
    assert echo.exit_code == -9
    echo.start()
    wait_for(lambda: echo.said().count("ready") == 2, timeout=10, what="echo again")
    assert answers(hosts["one"], two, 3)[0] == 3


def test_store_is_killed_comes_back_slow_and_empty(hosts: dict[str, Host], tmp_path: Path) -> None:
    address = hosts["one"].address
    with running_store(hosts["one"], tmp_path) as store:
        assert ask(address, SLOW_PORT, "SET a 1") == "+OK"
        store.kill()
        assert ask(address, SLOW_PORT, "PING") == ""
        store.start()
        assert ask(address, PORT, "EXISTS a") == ":1"
        store.slow(200)
        wait_for(lambda: _seconds(address) > 0.19, timeout=3, what="a slow answer")
        store.slow(0)
        wait_for(lambda: _seconds(address) < 0.1, timeout=3, what="a quick answer")
        store.kill()
        store.start_empty()
        assert ask(address, PORT, "EXISTS a") == ":0"


def _seconds(address: str) -> float:
    began = time.monotonic()
    assert ask(address, SLOW_PORT, "PING") == "+PONG"
    return time.monotonic() - began


def test_sentinel_makes_the_replica_the_master(hosts: dict[str, Host], tmp_path: Path) -> None:
    store = SentinelStore(hosts["one"], tmp_path)
    try:
        store.start()
        assert store.master_port() == PORT
        store.kill_master()
        wait_for(lambda: store.master_port() == PORT + 1, timeout=30, what="the replica is the master")
        wait_for(lambda: ask(hosts["one"].address, PORT + 1, "SET b 1") == "+OK", timeout=10, what="writes")
    finally:
        store.close()


def test_killed_server_is_seen_in_every_listeners_record(hosts: dict[str, Host], tmp_path: Path) -> None:
    """The whole way with the server that runs all roles: hosts, a talker, a swarm, kill -9, a verdict."""
    one = hosts["one"]
    server = ServerProcess(tmp_path, host=one.address, prefix=one.prefix)
    swarm = None
    try:
        server.start()
        event = server.create_event()
        talker = Talker(event, [server.base], tmp_path)
        talker.start()
        try:
            swarm = Swarm(hosts[CROWD_HOST], [server.base], event.id, tmp_path, listeners=40)
            swarm.start()
            swarm.wait_until_hearing(timeout=20)
            killed = time.time()
            server.kill()
            wait_for(lambda: swarm.now()["quiet"] == 40, timeout=5, what="silence")
            server.start()
            wait_for(lambda: swarm.now()["back"] == 40, timeout=15, what="everybody back")
            records = swarm.finish()["each"]
            assert len(talker.sessions) >= 1
        finally:
            talker.close()
    finally:
        if swarm is not None:
            swarm.close()
        server.stop()
    assert len(records) == 40
    assert len(silent_shards(records, killed)) == 1
    assert share_back(records, killed, 1.5) == 0.0
    assert share_back(records, killed, 20.0) == 1.0

"""The cluster of the compose file, as processes of this machine: same options, same proxy, other ports."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.deployed_processes import of_compose
from support.nginx import prepare, running_nginx
from support.ports import free_tcp_port, free_udp_port
from support.sources import ROOT
from support.stores import redis_server
from support.waiting import until

STENTOR = Path(sys.executable).with_name("stentor")
HOOK = ROOT / "deploy" / "container" / "drain.py"
PATIENCE = 30.0  # seconds: four processes start at once on a small machine


class Node:
    """One process, told what its service in the compose file is told."""

    def __init__(self, name: str, environment: dict[str, str], folder: Path, *, redis: str) -> None:
        self.name = name
        self.http = free_tcp_port()
        self._folder = folder
        kept = {key: value for key, value in os.environ.items() if not key.startswith("STENTOR_")}
        moved = {
            "STENTOR_HTTP": f"127.0.0.1:{self.http}",
            "STENTOR_CLUSTER": f"127.0.0.1:{free_udp_port()}",
            "STENTOR_CLUSTER_SECRET_FILE": str(folder / "cluster-secret"),
            "STENTOR_REDIS": redis,
            "STENTOR_STATE_DIR": str(folder / name),
            "STENTOR_WEB_DIR": str(ROOT / "client_web" / "dist"),
        }
        if "STENTOR_UDP" in environment:
            moved |= {"STENTOR_UDP": f"0.0.0.0:{free_udp_port()}", "STENTOR_PUBLIC_IP": "127.0.0.1"}
        self.environment = kept | environment | moved | {"PYTHONUNBUFFERED": "1"}
        with (folder / f"{name}.log").open("wb") as log:
            self.process = subprocess.Popen(
                [str(STENTOR), "serve"], env=self.environment, stdout=log, stderr=log
            )

    def end(self) -> int | None:
        """Its exit code; None when it did not end and had to be killed."""
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
            return None

    def is_ready(self) -> bool:
        """Whether it takes traffic; AssertionError with its log when it has ended."""
        log = (self._folder / f"{self.name}.log").read_text(errors="replace")
        assert self.process.poll() is None, log
        try:
            read(f"http://127.0.0.1:{self.http}/readyz")
        except (urllib.error.URLError, OSError):
            return False
        return True


def read(url: str, body: dict[str, str] | None = None) -> dict[str, object]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as response:
        answer = json.load(response)
    assert isinstance(answer, dict)
    return answer


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[dict[str, Node]]:
    """All four, ready, with a real Redis. At the end each is asked to stop and has to end by itself."""
    secret = tmp_path / "cluster-secret"
    secret.write_text("a secret of a test, longer than 32 characters", "utf-8")
    secret.chmod(0o600)
    async with redis_server(tmp_path) as url:
        found = {
            name.removeprefix("compose "): Node(
                name.removeprefix("compose "), environment, tmp_path, redis=url
            )
            for name, _, environment in of_compose()
        }
        try:
            for node in found.values():
                await until(node.is_ready, within=PATIENCE, what=f"{node.name} ready", every=0.2)
            yield found
        finally:
            for node in found.values():
                node.process.send_signal(signal.SIGTERM)
            ended = [node.end() for node in found.values()]
        assert ended == [0, 0, 0, 0]


def in_state(gateway: Node, state: str) -> int:
    """How many relays the gateway knows in this state."""
    shards = read(f"http://127.0.0.1:{gateway.http}/api/cluster")["shards"]
    assert isinstance(shards, list)
    return sum(shard["duty"] == "relay" and shard["state"] == state for shard in shards)


async def test_cluster_is_heard_through_its_proxy_and_a_relay_drains(
    nodes: dict[str, Node], tmp_path: Path
) -> None:
    gateway, port = nodes["stentor-gateway"], free_tcp_port()
    await until(lambda: in_state(gateway, "ready") == 2, within=PATIENCE, what="both relays heard", every=0.2)
    folder = prepare(tmp_path / "nginx", ports={8080: port}, gateway=f"127.0.0.1:{gateway.http}")
    with running_nginx(folder, "nginx-plain.conf"):
        event = read(f"http://127.0.0.1:{port}/api/events", {"title": "Through the proxy"})
        host = [str(STENTOR), "publish", str(event["whip_url"]), "--key", str(event["host_key"]), "--tone"]
        publisher = subprocess.Popen(host, stdout=subprocess.DEVNULL)  # noqa: ASYNC220 (a start)
        try:
            assert await _packets_heard(str(event["whep_url"])) > 20
        finally:
            publisher.send_signal(signal.SIGINT)
            publisher.wait(20)
    drained = _drain(nodes["relay-1"])
    assert (drained.returncode, drained.stderr) == (0, "")
    await until(lambda: in_state(gateway, "draining") == 1, within=5, what="the drain heard", every=0.2)
    assert in_state(gateway, "ready") == 1
    assert gateway.is_ready()


async def _packets_heard(whep_url: str) -> int:
    """Packets of a second and a half; asked again as long as the host is not on air."""

    def listen() -> int:
        command = [str(STENTOR), "listen", whep_url, "--seconds", "1.5"]
        result = subprocess.run(command, capture_output=True, text=True, timeout=30)
        heard = re.search(r"^packets +(\d+)", result.stdout, re.MULTILINE)
        return int(heard[1]) if heard else 0

    return await until(listen, within=PATIENCE, what="packets through the cluster", every=0.3)


def _drain(node: Node) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(HOOK), "5"]
    return subprocess.run(command, env=node.environment, capture_output=True, text=True, timeout=30)

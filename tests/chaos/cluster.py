"""A cluster of real processes, each on a host of its own, and what can be asked of it over HTTP."""

from __future__ import annotations

import json
import secrets
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from chaos.hosts import Host
from chaos.process import ChaosProcess
from support.server_process import STENTOR, Event
from support.waiting import wait_for

Role = Literal["gateway", "stage", "relay"]
HTTP, MEDIA, CLUSTER = 8080, 8081, 7000
READY = 30.0  # seconds: ten processes start on two cores
STEADY = 1.0  # seconds over which datagrams are counted


@dataclass(slots=True)
class Node:
    """One process."""

    role: Role
    host: Host
    process: ChaosProcess

    @property
    def base(self) -> str:
        """Where its HTTP port is."""
        return f"http://{self.host.address}:{HTTP}"

    @property
    def cluster_port(self) -> tuple[str, int]:
        """Where other nodes reach it."""
        return self.host.address, CLUSTER

    def ready(self) -> bool:
        """Whether it says that it should get traffic."""
        assert self.process.exit_code is None, f"{self.process.name} ended\n{self.process.tail()}"
        return ask(f"{self.base}/readyz") is not None

    def datagrams(self) -> float:
        """UDP datagrams a second that come in at its host."""
        before = self._received()
        time.sleep(STEADY)
        return (self._received() - before) / STEADY

    def _received(self) -> int:
        lines = [line.split() for line in self.host.run("cat", "/proc/net/snmp").splitlines()]
        names, values = (line for line in lines if line[0] == "Udp:")
        return int(dict(zip(names, values, strict=True))["InDatagrams"])

    def metric(self, name: str) -> float:
        """The sum of a metric's samples; 0.0 when there is none."""
        total = 0.0
        for line in (ask(f"{self.base}/metrics") or b"").decode().splitlines():
            sample, _, value = line.rpartition(" ")
            if sample.partition("{")[0] == name:
                total += float(value)
        return total


class Cluster:
    """`start` everything; then `nodes` is where things happen."""

    def __init__(
        self,
        hosts: dict[str, Host],
        store_url: str,
        folder: Path,
        options: Sequence[str] = (),
        *,
        relay_prefix: Sequence[str] = (),
    ) -> None:
        """Hosts called `gateway...`, `stage...` and `relay...` get a process each.

        `relay_prefix`: before the command of the relays, as `taskset -c 0`.
        """
        self._relay_prefix = tuple(relay_prefix)
        self._folder = folder
        self._secret = folder / "cluster.secret"
        self._secret.write_text(secrets.token_hex(32))
        self._secret.chmod(0o600)
        self._url = store_url
        self._options = tuple(options)
        self.nodes = [self._node(name, host) for name, host in hosts.items() if _role_of(name) is not None]

    def start(self) -> None:
        """Return when every node is ready."""
        for node in self.nodes:
            node.process.start()
        for node in self.nodes:
            self.wait_until_ready(node)

    def wait_until_ready(self, node: Node) -> None:
        """After a start of its process."""
        wait_for(
            node.ready, timeout=READY, what=f"{node.process.name} ready\n{node.process.tail()}", every=0.1
        )

    def of(self, role: Role) -> list[Node]:
        """All nodes of a role."""
        return [node for node in self.nodes if node.role == role]

    @property
    def gateways(self) -> list[str]:
        """Base URLs."""
        return [node.base for node in self.of("gateway")]

    def stage_on_air(self) -> Node:
        """The stage that a host's 50 datagrams a second come to; the others hear little else than beats."""
        rates = {node.process.name: node.datagrams() for node in self.of("stage")}
        found = max(self.of("stage"), key=lambda node: rates[node.process.name])
        assert rates[found.process.name] > 30, f"no host on any stage: {rates}"
        return found

    def create_event(self) -> Event:
        """A new event."""
        answer = post(f"{self.gateways[0]}/api/events", {"title": "Chaos"})
        return Event(**{name: str(answer[name]) for name in Event.__slots__})

    def ended_by_themselves(self) -> list[str]:
        """Processes that are gone, or were started again, without our doing."""
        return [node.process.name for node in self.nodes if node.process.exit_code is not None]

    def close(self) -> None:
        """End everything."""
        for node in self.nodes:
            node.process.close()

    def _node(self, name: str, host: Host) -> Node:
        role = _role_of(name)
        assert role is not None
        prefix = self._relay_prefix if role == "relay" else ()
        command = [*host.prefix, *prefix, str(STENTOR), "serve", "--roles", role, "--redis", self._url]
        command += ["--cluster", f"{host.address}:{CLUSTER}", "--http", f"{host.address}:{HTTP}"]
        command += ["--udp", f"{host.address}:{MEDIA}", "--state-dir", str(self._folder / name)]
        command += ["--cluster-secret-file", str(self._secret), *self._options]
        return Node(role, host, ChaosProcess(name, command, self._folder))


@contextmanager
def running_cluster(
    hosts: dict[str, Host],
    store_url: str,
    folder: Path,
    options: Sequence[str] = (),
    *,
    relay_prefix: Sequence[str] = (),
) -> Iterator[Cluster]:
    """A cluster that is ready, for the time of a `with`."""
    with ExitStack() as stack:
        cluster = Cluster(hosts, store_url, folder, options, relay_prefix=relay_prefix)
        stack.callback(cluster.close)
        cluster.start()
        yield cluster


def _role_of(name: str) -> Role | None:
    roles: tuple[Role, ...] = ("gateway", "stage", "relay")
    return next((role for role in roles if name.startswith(role)), None)


def ask(url: str, *, timeout: float = 2.0) -> bytes | None:
    """The body of a GET; None for anything but 2xx."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return bytes(answer.read())
    except OSError:
        return None


def post(url: str, document: dict[str, Any], *, key: str | None = None) -> dict[str, Any]:
    """POST a JSON object; the one that comes back. urllib's HTTPError for a refusal."""
    fields = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    request = urllib.request.Request(url, data=json.dumps(document).encode(), headers=fields, method="POST")
    with urllib.request.urlopen(request, timeout=5) as answer:
        return dict(json.load(answer))

"""Two gateways, a stage and two relays as processes of their own, on loopback, with a store between them."""

from __future__ import annotations

import json
import os
import secrets
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.ports import free_udp_port
from support.server_process import ServerProcess

READY = 40.0  # seconds: five processes start on two cores


@dataclass(slots=True)
class LineCluster:
    """What runs."""

    gateways: list[ServerProcess]
    stage: ServerProcess
    relays: list[ServerProcess]
    secret: bytes
    cluster_ports: dict[int, int]
    """Cluster port by HTTP port."""

    def cluster(self, gateway: ServerProcess) -> dict[str, Any]:
        """What `GET /api/cluster` says there."""
        return dict(json.loads(gateway.get("/api/cluster")))

    def leader(self) -> ServerProcess | None:
        """The gateway that says that it leads; None while there is none, or two."""
        leading = [gateway for gateway in self.gateways if self.cluster(gateway)["leading"]]
        return leading[0] if len(leading) == 1 else None

    def other(self, gateway: ServerProcess) -> ServerProcess:
        """The gateway beside it."""
        return next(one for one in self.gateways if one is not gateway)

    def seated(self) -> list[int]:
        """Listeners at each relay."""
        return [int(relay.metric("stentor_listeners")) for relay in self.relays]


def pause(server: ServerProcess) -> None:
    """SIGSTOP."""
    os.kill(server.pid, signal.SIGSTOP)


def go_on(server: ServerProcess) -> None:
    """SIGCONT."""
    os.kill(server.pid, signal.SIGCONT)


@contextmanager
def running_line_cluster(folder: Path, store_url: str, *, seats: int) -> Iterator[LineCluster]:
    """Ready, for the time of a `with`; each relay has so many seats."""
    file = folder / "cluster.secret"
    secret = secrets.token_hex(32)
    file.write_text(secret)
    file.chmod(0o600)
    ports: dict[int, int] = {}

    def server(name: str, role: str, *more: str) -> ServerProcess:
        (folder / name).mkdir()
        cluster = free_udp_port()
        options = ["--roles", role, "--redis", store_url, "--cluster", f"127.0.0.1:{cluster}"]
        options += ["--cluster-secret-file", str(file), *more]
        made = ServerProcess(folder / name, options=options)
        ports[made.http_port] = cluster
        return made

    gateways = [server(f"gateway{number}", "gateway") for number in (1, 2)]
    stage = server("stage", "stage")
    relays = [server(f"relay{number}", "relay", "--max-seats", str(seats)) for number in (1, 2)]
    everybody = [*relays, stage, *gateways]
    with ExitStack() as stack:
        stack.callback(_stop, everybody)
        with ThreadPoolExecutor(len(everybody)) as pool:  # gateways are ready once they hear the others
            list(pool.map(lambda one: one.start(within=READY), everybody))
        yield LineCluster(gateways, stage, relays, secret.encode(), ports)


def _stop(servers: Sequence[ServerProcess]) -> None:
    def stop(server: ServerProcess) -> None:
        try:
            go_on(server)
            server.kill()
        except (AssertionError, ProcessLookupError):  # never started, or gone
            pass

    for server in servers:
        stop(server)

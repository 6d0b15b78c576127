"""A cluster of real processes on this machine: a store, and nodes by role, each on ports of its own."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from chaos.cluster import ask, post
from chaos.process import ChaosProcess
from support.ports import free_tcp_port, free_udp_port
from support.server_process import STENTOR, Event
from support.store_process import plain_store
from support.waiting import wait_for

READY = 30.0  # seconds: seven processes start on two busy cores


class NodeProcess:
    """One `stentor serve`. The same ports again after a restart."""

    def __init__(self, name: str, folder: Path, options: Sequence[str]) -> None:
        """`options` beside those for ports and the state directory."""
        self.name = name
        self.udp_port = free_udp_port()
        self.base = f"http://127.0.0.1:{free_tcp_port()}"
        command = [str(STENTOR), "serve", "--http", self.base.removeprefix("http://")]
        command += ["--udp", f"0.0.0.0:{self.udp_port}", "--state-dir", str(folder / name), *options]
        self.process = ChaosProcess(name, command, folder)

    @property
    def is_up(self) -> bool:
        """Whether the process is there, ready or not."""
        return self.process.starts > 0 and self.process.exit_code is None

    def is_ready(self) -> bool:
        """Whether it says that it should get traffic. AssertionError when it has ended."""
        assert self.is_up, f"{self.name} ended\n{self.process.tail()}"
        return ask(f"{self.base}/readyz", timeout=1.0) is not None

    def wait_until_ready(self) -> None:
        """After a start."""
        wait_for(self.is_ready, timeout=READY, what=f"{self.name} ready\n{self.process.tail()}")

    def drain(self) -> None:
        """SIGTERM, without waiting."""
        os.kill(self.process.pid, signal.SIGTERM)


class ClusterProcesses:
    """`heal` starts whatever does not run; a test may then do to `store` and `nodes` what it likes."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        """Names begin with the role: gateway, stage, relay."""
        self.store = plain_store(folder / "redis", free_tcp_port())
        secret = folder / "cluster.secret"
        secret.write_text(secrets.token_hex(32))
        secret.chmod(0o600)
        shared = ["--redis", self.store.url, "--cluster", "127.0.0.1:0", "--cluster-secret-file", str(secret)]
        self.nodes = {
            name: NodeProcess(name, folder, ["--roles", name.rstrip("0123456789"), *shared]) for name in names
        }
        self._has_store = False

    def of(self, role: str) -> list[NodeProcess]:
        """All nodes of a role."""
        return [node for name, node in self.nodes.items() if name.startswith(role)]

    @property
    def gateways(self) -> list[NodeProcess]:
        """All of them."""
        return self.of("gateway")

    def heal(self) -> None:
        """Return when the store and every node run, are ready and know of each other."""
        if not self._has_store:
            asyncio.run(self.store.start())
            self._has_store = True
        for node in self.nodes.values():
            if not node.is_up:
                node.process.start()
        for node in self.nodes.values():
            node.wait_until_ready()
        for gateway in self.gateways:
            wait_for(partial(self._knows_all, gateway), timeout=READY, what=f"all heard at {gateway.name}")

    def kill_store(self) -> None:
        """kill -9; it comes back empty with `heal`."""
        asyncio.run(self.store.kill())
        self._has_store = False

    def create_event(self) -> Event:
        """A new event."""
        answer = post(f"{self.gateways[0].base}/api/events", {"title": "Cluster"})
        return Event(**{name: str(answer[name]) for name in Event.__slots__})

    def close(self) -> None:
        """End everything."""
        for node in self.nodes.values():
            node.process.close()
        self.kill_store()

    def _knows_all(self, gateway: NodeProcess) -> bool:
        rows = read_json(f"{gateway.base}/api/cluster")["shards"]
        ready = [row["duty"] for row in rows if row["state"] == "ready"]
        return all(ready.count(duty) == len(self.of(role)) for duty, role in DUTIES.items())


DUTIES = {"relay": "relay", "ingest": "stage"}


def read_json(url: str) -> dict[str, Any]:
    """The document at a URL. AssertionError for anything but 2xx."""
    body = ask(url)
    assert body is not None, f"no answer from {url}"
    return dict(json.loads(body))

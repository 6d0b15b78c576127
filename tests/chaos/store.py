"""The store of a cluster, a real one, and what can happen to it."""

from __future__ import annotations

import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from chaos.hosts import Host
from chaos.process import ChaosProcess
from support.waiting import wait_for

PORT, SLOW_PORT, SENTINEL_PORT = 6379, 6380, 26379
MASTER = "stentor"


class Store:
    """One redis-server that keeps what it was told, with a relay in front that can be made slow."""

    def __init__(self, host: Host, folder: Path) -> None:
        self._host = host
        self._folder = folder / "redis"
        self._server = ChaosProcess("redis", redis_command(host, PORT, self._folder), folder)
        relay = [sys.executable, "-m", "chaos.tcp_delay"]
        relay += ["--listen", f"{host.address}:{SLOW_PORT}", "--to", f"{host.address}:{PORT}"]
        self._relay = ChaosProcess("redis-slow", [*host.prefix, "env", python_path(), *relay], folder)

    @property
    def url(self) -> str:
        """For `--redis`."""
        return f"redis://{self._host.address}:{SLOW_PORT}/0"

    def start(self) -> None:
        """Start it with what it had, and return when it answers."""
        self._folder.mkdir(exist_ok=True)
        self._server.start()
        wait_for(lambda: ask(self._host.address, PORT, "PING") == "+PONG", timeout=10, what="redis")
        if self._relay.starts == 0:
            self._relay.start()
            self._relay.wait_for_log("ready", timeout=10)

    def kill(self) -> float:
        """SIGKILL; returns the wall-clock time."""
        return self._server.kill()

    def start_empty(self) -> None:
        """As after the loss of its disk."""
        shutil.rmtree(self._folder)
        self.start()

    def slow(self, milliseconds: float) -> None:
        """Every request and every answer takes half of this longer; 0 ends it."""
        self._relay.tell(str(milliseconds / 2))

    def commands(self) -> int:
        """How many it has carried out since it was started, ours not counted."""
        return int(info(self._host.address, "stats")["total_commands_processed"])

    def close(self) -> None:
        """End everything."""
        self._relay.close()
        self._server.close()


class SentinelStore:
    """A master, a replica and three Sentinels, all on one host."""

    def __init__(self, host: Host, folder: Path) -> None:
        self._host = host
        self._folder = folder
        self.servers = [self._server(number) for number in (0, 1)]
        self._sentinels = [self._sentinel(number) for number in range(3)]

    @property
    def url(self) -> str:
        """For `--redis`."""
        hosts = ",".join(f"{self._host.address}:{SENTINEL_PORT + number}" for number in range(3))
        return f"redis+sentinel://{hosts}/{MASTER}"

    def start(self) -> None:
        """Return when the Sentinels know one another and the replica."""
        for process in self.servers:
            process.start()
        # A Sentinel asks the master for its replicas when it starts, and then only every ten seconds.
        wait_for(self._replicated, timeout=15, what="a replica")
        for process in self._sentinels:
            process.start()
        wait_for(self._agreed, timeout=30, what="Sentinels that agree")

    def master_port(self) -> int:
        """Where the Sentinels say the master is."""
        answer = ask(self._host.address, SENTINEL_PORT, f"SENTINEL get-master-addr-by-name {MASTER}")
        return int(answer.split()[-1]) if answer.startswith("*2") else 0

    def kill_master(self) -> float:
        """SIGKILL; the replica takes over, without what it had not been told yet."""
        return self.servers[self.master_port() - PORT].kill()

    def close(self) -> None:
        """End everything."""
        for process in (*self._sentinels, *self.servers):
            process.close()

    def _server(self, number: int) -> ChaosProcess:
        folder = self._folder / f"redis-{number}"
        folder.mkdir(exist_ok=True)
        command = redis_command(self._host, PORT + number, folder)
        if number:
            command += ["--replicaof", self._host.address, str(PORT)]
        return ChaosProcess(f"redis-{number}", command, self._folder)

    def _sentinel(self, number: int) -> ChaosProcess:
        file = self._folder / f"sentinel-{number}.conf"
        file.write_text(
            f"port {SENTINEL_PORT + number}\nbind {self._host.address}\nprotected-mode no\n"
            f"dir {self._folder}\n"
            f"sentinel monitor {MASTER} {self._host.address} {PORT} 2\n"
            f"sentinel down-after-milliseconds {MASTER} 1000\n"
            f"sentinel failover-timeout {MASTER} 1000\n"
        )
        command = [*self._host.prefix, redis_binary(), str(file), "--sentinel"]
        return ChaosProcess(f"sentinel-{number}", command, self._folder)

    def _replicated(self) -> bool:
        found = info(self._host.address, "replication")
        return found.get("connected_slaves") == "1" and "state=online" in found.get("slave0", "")

    def _agreed(self) -> bool:
        return all(
            ask(self._host.address, SENTINEL_PORT + number, command).startswith(wanted)
            for number in range(3)
            for command, wanted in (
                (f"SENTINEL ckquorum {MASTER}", "+OK 3 "),
                (f"SENTINEL replicas {MASTER}", "*1"),
            )
        )


@contextmanager
def running_store(host: Host, folder: Path) -> Iterator[Store]:
    """A store that answers, for the time of a `with`."""
    store = Store(host, folder)
    try:
        store.start()
        yield store
    finally:
        store.close()


def redis_binary() -> str:
    """Debian's, or Valkey's."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    assert found is not None, "neither redis-server nor valkey-server is installed"
    return found


def redis_command(host: Host, port: int, folder: Path) -> list[str]:
    """Every write is on disk before it is answered, so that a killed one comes back with all it had."""
    options = ["--port", str(port), "--bind", host.address, "--protected-mode", "no", "--save", ""]
    return [
        *host.prefix,
        redis_binary(),
        *options,
        "--appendonly",
        "yes",
        "--appendfsync",
        "always",
        "--dir",
        str(folder),
    ]


def python_path() -> str:
    """For `env`, so that `python -m chaos...` finds us."""
    return f"PYTHONPATH={Path(__file__).resolve().parents[1]}"


def ask(address: str, port: int, command: str) -> str:
    """The raw answer to one command; empty when nobody answers."""
    with suppress(OSError), socket.create_connection((address, port), timeout=1) as client:
        client.sendall(f"{command}\r\n".encode())
        client.settimeout(1)
        data = client.recv(65536).decode(errors="replace")
        return data.replace("$", "\n").rstrip() if data.startswith("*") else data.rstrip()
    return ""


def info(address: str, section: str, port: int = PORT) -> dict[str, str]:
    """INFO by name."""
    lines = ask(address, port, f"INFO {section}").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)

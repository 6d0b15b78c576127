"""Stentor's server on its core, in the servers' namespace, with a host on air."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from secrets import token_urlsafe

from bench.link import Link
from bench.machine import SERVER_CORE, SWARM_CORE, CoreTime, pin
from stentor_loadtest.swarm.crowd import Crowd
from stentor_loadtest.swarm.whep import WhepSignalling
from support.publisher import publishing
from support.server_process import STENTOR, ServerProcess
from support.waiting import wait_for

GOODBYES = 30.0  # seconds a server with thousands of listeners may take for them on a core that is full
SPARE = 64  # with spare rows whoever is told to come again later does so
LINK_IP = "127.0.0.1"  # between server and stage
MOST = 30_000  # seats: more than any machine of this size can serve
# The bench looks for the limit, which the server's own laws stay away from: packets that cost nearly nothing
# make seats enough, and lateness is nobody's doing.
LAWLESS = {
    "--cost-packet": "0.2",
    "--cost-receive": "0.5",
    "--cost-join": "100",
    "--brake-cpu": "1",
    "--credit-idle-cpu": "1",
    "--credit-target": "5",
    "--credit-stop": "10",
    "--credit-behind": "10",
    "--ladder-lateness": "10",
}


@dataclass(frozen=True, slots=True)
class Variant:
    """How the server is started."""

    media: str
    """`native` or `python`."""
    ptime: int
    """Milliseconds per packet, pinned."""

    def __str__(self) -> str:
        return f"{self.media} at {self.ptime} ms"


@dataclass(frozen=True, slots=True)
class Running:
    """A server with an event on air."""

    pid: int
    base: str
    event: str
    core: CoreTime
    link: Link

    def crowd(self, most: int) -> Crowd:
        """A swarm for it; not open yet."""
        return Crowd(
            most,
            partial(WhepSignalling, self.base, self.event),
            first_address=self.link.first,
            prefer=self.link.server_ip,
            spare=SPARE,
        )


def options_of(variant: Variant) -> list[str] | None:
    """What to start it with, or None when this build has no such thing."""
    text = subprocess.run([str(STENTOR), "serve", "--help"], capture_output=True, text=True, check=True)
    known = set(re.findall(r"^  (--[a-z-]+)", text.stdout, re.MULTILINE))
    if "--media" not in known and variant.media == "native":
        return None
    if "--ptime" not in known and variant.ptime != 20:
        return None
    options = ["--max-seats", str(MOST)]
    options += ["--media", variant.media] if "--media" in known else []
    if "--hold" in known:  # came with the laws, which the help does not list
        options += [word for pair in LAWLESS.items() for word in pair]
    return options + (["--ptime", str(variant.ptime)] if "--ptime" in known else [])


@contextmanager
def running(folder: Path, link: Link, options: list[str]) -> Iterator[Running]:
    """Start it and put a host on air, for the time of a `with`.

    Gateway and relay are one process on the server's core; the stage and the store that the two meet in are
    on the swarm's, as on a machine of their own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    secret = folder / "secret"
    secret.touch(0o600)
    secret.write_text(token_urlsafe(48))
    with _store(folder) as redis:
        cluster = ["--redis", redis, "--cluster", f"{LINK_IP}:0", "--cluster-secret-file", str(secret)]
        stage = ServerProcess(
            folder / "stage",
            reach=link.server_ip,
            host="0.0.0.0",
            prefix=[*pin(SWARM_CORE), *link.prefix],
            options=["--roles", "stage", *cluster],
        )
        server = ServerProcess(
            folder / "server",
            host="0.0.0.0",
            reach=link.server_ip,
            prefix=[*pin(SERVER_CORE), *link.prefix],
            options=["--roles", "gateway,relay", *cluster, *options],
        )
        with ExitStack() as ends:  # each, whatever becomes of the other
            ends.callback(stage.stop_now)
            stage.start()
            ends.callback(server.stop_now, within=GOODBYES)
            server.start()
            event = server.create_event("Bench")
            with publishing(server, event):
                yield Running(server.pid, server.base, event.id, CoreTime(server.pid), link)


@contextmanager
def _store(folder: Path) -> Iterator[str]:
    """URL of a redis-server of our own, on a socket: namespaces do not separate it."""
    binary = shutil.which("redis-server")
    assert binary is not None, "redis-server is not installed: apt-get install redis-server"
    path = folder / "redis.sock"
    command = [*pin(SWARM_CORE), binary, "--port", "0", "--unixsocket", str(path), "--save", ""]
    with subprocess.Popen([*command, "--dir", str(folder)], stdout=subprocess.DEVNULL) as process:
        try:
            wait_for(path.exists, timeout=5.0, what="redis-server ready")
            yield f"unix://{path}"
        finally:
            process.terminate()

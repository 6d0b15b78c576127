"""Debian's Janus with one RTP mountpoint, in the best configuration found.

One event loop, ICE-lite, the whole answer at once, signalling over a Unix socket.
"""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.link import Link
from bench.machine import SERVER_CORE, pin

STREAM = 1
AUDIO_PORT = 5002
PAYLOAD_TYPE = 111
STARTS = 10  # about half of the starts fail: "No Janus API transport is available"
START_SECONDS = 6.0

_MAIN = """
general: {{
    configs_folder = "{folder}"
    plugins_folder = "{libraries}/plugins"
    transports_folder = "{libraries}/transports"
    events_folder = "{libraries}/events"
    loggers_folder = "{libraries}/loggers"
    debug_level = 3
    session_timeout = 0
    event_loops = 1
}}
media: {{ rtp_port_range = "20000-60000" }}
nat: {{
    ice_lite = true
    full_trickle = false
    ice_enforce_list = "{address}"
}}
plugins: {{ disable = "{plugins}" }}
transports: {{ disable = "{transports}" }}
"""
_STREAMING = """
program: {{
    type = "rtp"
    id = {stream}
    description = "bench"
    media = ( {{ type = "audio" mid = "a" port = {port} pt = {payload_type} codec = "opus" }} )
}}
"""
_UNIX = """
general: {{
    enabled = true
    json = "compact"
    path = "{path}"
    type = "SOCK_SEQPACKET"
}}
"""


@dataclass(frozen=True, slots=True)
class Janus:
    """A running one."""

    pid: int
    socket: str


@contextmanager
def running_janus(folder: Path, link: Link) -> Iterator[Janus]:
    """Janus on the servers' core for the time of a `with`. RuntimeError with the end of its log."""
    path = folder / "janus.sock"
    _configure(folder, path, link.server_ip)
    process = _start_until_it_runs(folder, path, link)
    try:
        yield Janus(process.pid, str(path))
    finally:
        _end(process)


def _start_until_it_runs(folder: Path, path: Path, link: Link) -> subprocess.Popen[bytes]:
    for _ in range(STARTS):
        process = _start(folder, link)
        if _answers(process, path):
            return process
        _end(process)
    raise RuntimeError("Janus does not start:\n" + (folder / "janus.log").read_text()[-2000:])


def _start(folder: Path, link: Link) -> subprocess.Popen[bytes]:
    (folder / "janus.sock").unlink(missing_ok=True)
    command = [*pin(SERVER_CORE), *link.prefix, "janus", "-F", str(folder), "-C", str(folder / "janus.jcfg")]
    with (folder / "janus.log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder)


def _answers(process: subprocess.Popen[bytes], path: Path) -> bool:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        if path.exists() and _pongs(path):
            return True
        time.sleep(0.1)
    return False


def _pongs(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        client.settimeout(1.0)
        try:
            client.connect(str(path))
            client.send(b'{"janus": "ping", "transaction": "1"}')
            return b"pong" in client.recv(4096)
        except OSError:
            return False


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def _configure(folder: Path, path: Path, address: str) -> None:
    (library,) = Path("/usr/lib").glob("*/janus")
    transports = [one.name for one in (library / "transports").glob("*.so") if "pfunix" not in one.name]
    plugins = [one.name for one in (library / "plugins").glob("*.so") if "streaming" not in one.name]
    (folder / "janus.jcfg").write_text(
        _MAIN.format(
            folder=folder,
            libraries=library,
            address=address,
            plugins=",".join(sorted(plugins)),
            transports=",".join(sorted(transports)),
        )
    )
    (folder / "janus.plugin.streaming.jcfg").write_text(
        _STREAMING.format(stream=STREAM, port=AUDIO_PORT, payload_type=PAYLOAD_TYPE)
    )
    (folder / "janus.transport.pfunix.jcfg").write_text(_UNIX.format(path=path))

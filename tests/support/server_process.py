"""The real server as a real process, ended by its process id."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.ports import free_tcp_port, free_udp_port
from support.waiting import wait_for

STENTOR = Path(sys.executable).with_name("stentor")
READY_TIMEOUT = 20.0  # seconds
END_TIMEOUT = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class Event:
    """What creating an event gave."""

    id: str
    host_key: str
    host_url: str
    listen_url: str
    whip_url: str
    whep_url: str


class ServerProcess:
    """`stentor serve` on free ports with its own state directory; the same ports again after a restart."""

    def __init__(
        self,
        state_dir: Path,
        *,
        host: str = "127.0.0.1",
        reach: str | None = None,
        prefix: Sequence[str] = (),
        options: Sequence[str] = (),
    ) -> None:
        self.state_dir = state_dir
        state_dir.mkdir(parents=True, exist_ok=True)
        self.http_port = free_tcp_port()
        self.udp_port = free_udp_port()
        self._host = host
        self._prefix = tuple(prefix)
        self._options = tuple(options)
        self.base = f"http://{reach or host}:{self.http_port}"
        self.log = state_dir / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id while it runs."""
        assert self._process is not None
        return self._process.pid

    def start(self, *, within: float = READY_TIMEOUT) -> None:
        """Start and return once it is ready. AssertionError carries the end of its log."""
        command = [
            *self._prefix,
            str(STENTOR),
            "serve",
            "--http",
            f"{self._host}:{self.http_port}",
            "--udp",
            f"0.0.0.0:{self.udp_port}",
            "--state-dir",
            str(self.state_dir),
            *self._options,
        ]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, env=_environment()
            )
        wait_for(self._is_ready, timeout=within, what=f"server ready\n{self.log_tail()}")

    def stop(self) -> None:
        """Ask it to end (SIGTERM) and wait."""
        self._end(signal.SIGTERM)

    def stop_now(self, *, within: float = END_TIMEOUT) -> None:
        """Ask twice: a node of a cluster does not wait until its listeners have moved."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            time.sleep(0.3)  # two signals at once would be one
        self._end(signal.SIGTERM, within=within)

    def kill(self) -> None:
        """End it without a chance to say goodbye (SIGKILL)."""
        self._end(signal.SIGKILL)

    def log_tail(self, lines: int = 30) -> str:
        """The last lines it wrote."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def get(self, path: str) -> str:
        """The body of a GET."""
        with urllib.request.urlopen(self.base + path, timeout=5) as response:
            return str(response.read().decode())

    def post(self, path: str, document: dict[str, object], *, key: str | None = None) -> dict[str, object]:
        """POST a JSON object; the JSON object that comes back."""
        headers = {"Content-Type": "application/json"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        request = urllib.request.Request(
            self.base + path, data=json.dumps(document).encode(), headers=headers, method="POST"
        )
        with urllib.request.urlopen(request, timeout=5) as response:
            answer = json.load(response)
        assert isinstance(answer, dict)
        return answer

    def create_event(self, title: str = "A test") -> Event:
        """A new event of this server."""
        answer = self.post("/api/events", {"title": title})
        return Event(**{name: str(answer[name]) for name in Event.__slots__})

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that carry these labels; 0.0 when there is none."""
        total = 0.0
        for line in self.get("/metrics").splitlines():
            sample, _, value = line.rpartition(" ")
            if sample.partition("{")[0] == name and all(f'{k}="{v}"' in sample for k, v in labels.items()):
                total += float(value)
        return total

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"server ended at once\n{self.log_tail()}"
        try:
            self.get("/readyz")
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
        return True

    def _end(self, how: signal.Signals, *, within: float = END_TIMEOUT) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(how)
        try:
            process.wait(within)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(END_TIMEOUT)
            raise AssertionError(
                f"server did not end within {within:g} s of {how.name}\n{self.log_tail()}"
            ) from None


@contextmanager
def running_server(
    state_dir: Path, *, host: str = "127.0.0.1", options: Sequence[str] = ()
) -> Iterator[ServerProcess]:
    """A server for the time of a `with`."""
    server = ServerProcess(state_dir, host=host, options=options)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _environment() -> dict[str, str]:
    """Ours without settings that would change the server, and unbuffered output for the log."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STENTOR_")}
    return kept | {"PYTHONUNBUFFERED": "1"}

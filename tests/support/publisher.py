"""A host without a browser: `stentor publish` as its own process."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from support.server_process import STENTOR, Event, ServerProcess
from support.waiting import wait_for

FIRST_SOUND = 15.0  # seconds: starting Python, aiortc and FFmpeg takes some on a busy machine


class Publisher:
    """One publishing process."""

    def __init__(self, event: Event, log: Path, *arguments: str) -> None:
        self._log = log.open("ab")
        command = [str(STENTOR), "publish", event.whip_url, "--key", event.host_key, *arguments]
        self._process = subprocess.Popen(command, stdout=self._log, stderr=subprocess.STDOUT)

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def kill(self) -> None:
        """As a host whose machine loses power: no goodbye."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """As a host who presses Ctrl-C."""
        self._end(signal.SIGINT)

    def _end(self, how: signal.Signals) -> None:
        if self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(10)
        self._log.close()


@contextmanager
def publishing(server: ServerProcess, event: Event, *arguments: str) -> Iterator[Publisher]:
    """A publisher that is heard, for the time of a `with`. Without arguments it sends a tone."""
    publisher = Publisher(event, server.state_dir / "publisher.log", *(arguments or ("--tone",)))
    try:
        wait_for(lambda: host_state(server, event) == "present", timeout=FIRST_SOUND, what="host present")
        yield publisher
    finally:
        publisher.stop()


def host_state(server: ServerProcess, event: Event) -> str:
    """`none`, `present` or `away`, as the event's status says."""
    return str(json.loads(server.get(f"/api/events/{event.id}"))["host"])


def run_loadtest(
    scenario: str, server: ServerProcess, event: Event, out: Path, *options: str, prefix: Sequence[str] = ()
) -> tuple[int, dict[str, float], str]:
    """`stentor-loadtest run` to its end: exit code, figures by name, what it printed."""
    command = [*prefix, str(STENTOR.with_name("stentor-loadtest")), "run", scenario]
    command += ["--target", server.base, "--event", event.id, "--json", str(out), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    figures = json.loads(out.read_text())["figures"] if out.exists() else {}
    return done.returncode, figures, done.stdout + done.stderr

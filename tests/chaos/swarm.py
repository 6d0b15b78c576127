"""The listeners of a scenario: one `stentor-loadtest run endure`, followed by its diary."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chaos.hosts import CROWD, Host
from chaos.process import ChaosProcess
from support.server_process import STENTOR
from support.waiting import wait_for

PARTS = list(CROWD.subnets(new_prefix=19))
LONG = 3600.0  # seconds: it listens until it is told to stop


class Swarm:
    """`start`, wait until they hear, let things happen, `finish`."""

    def __init__(
        self,
        host: Host | None,
        targets: Sequence[str],
        event: str,
        folder: Path,
        *,
        listeners: int,
        rate: float = 100.0,
        name: str = "swarm",
        number: int = 0,
        options: Sequence[str] = (),
    ) -> None:
        """Without a host: on this machine's loopback. `number` tells swarms of one host apart, up to 8."""
        self.listeners = listeners
        self._diary = folder / f"{name}.diary"
        self._report = folder / f"{name}.json"
        command = [*(host.prefix if host is not None else ()), str(STENTOR.with_name("stentor-loadtest"))]
        command += ["run", "endure", "--event", event, "--listeners", str(listeners), "--rate", str(rate)]
        command += ["--seconds", str(LONG), "--recover", "--engine", "swarm"]
        command += ["--diary", str(self._diary), "--json", str(self._report)]
        for target in targets:
            command += ["--target", target]
        command += ["--source-network", str(PARTS[number])] if host is not None else []
        self._process = ChaosProcess(name, [*command, *options], folder)

    def start(self) -> None:
        """They begin to come."""
        self._process.start()

    def now(self) -> dict[str, Any]:
        """The newest line of its diary; empty before the first."""
        if not self._diary.exists():
            return {}
        lines = self._diary.read_text().rpartition("\n")[0].splitlines()
        return dict(json.loads(lines[-1])) if lines else {}

    def diary(self) -> list[dict[str, Any]]:
        """All lines so far."""
        return [json.loads(line) for line in self._diary.read_text().rpartition("\n")[0].splitlines()]

    def wait_until_hearing(self, count: int | None = None, *, timeout: float) -> None:
        """Return once so many (default: all) hear."""
        wanted = self.listeners if count is None else count
        wait_for(
            lambda: self.now().get("hearing", 0) >= wanted or self._process.exit_code is not None,
            timeout=timeout,
            what=f"{wanted} listeners of {self.listeners} hear",
        )
        assert self._process.exit_code is None, f"the swarm ended\n{self._process.tail()}"

    def finish(self) -> dict[str, Any]:
        """They go; the whole report."""
        self._process.stop(timeout=60)
        assert self._report.exists(), f"no report\n{self._process.tail()}"
        return dict(json.loads(self._report.read_text()))

    def close(self) -> None:
        """Make sure it is gone."""
        self._process.close()

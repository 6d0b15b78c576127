"""A capture of a scenario's cluster and its verdict: no index of any key was used twice on any wire."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from chaos.capture_check import check
from chaos.capture_records import read
from chaos.capture_uses import Uses
from chaos.process import ChaosProcess
from chaos.store import python_path
from chaos.verdict import Figure, at_most, told
from stentor.app.secrets import read_cluster_secret

FLOWS = 100  # listeners whose packets are kept: 5,000 packets/s at 20 ms cost 2 % of a core
LOST = 0.1  # % that a capture may lose on a machine that is busier than it can be


@dataclass(frozen=True, slots=True)
class Seen:
    """What a capture came to."""

    uses: Uses
    every: int
    """One listener in so many was looked at, and everything between nodes."""
    frames: int
    """That passed its filter."""
    lost: int
    """Of these, such as found no room."""
    cpu: float = 0.0
    """Seconds that this took."""


class Capture:
    """`start` before there are handshakes; `finish` once everything has happened."""

    def __init__(self, links: Iterable[str], folder: Path, listeners: int, *, flows: int = FLOWS) -> None:
        """`links`: by which nodes are reached, on our side. `folder`: where `cluster.secret` will be."""
        self._every = max(1, -(-listeners // flows))
        self._secret = folder / "cluster.secret"
        self._file = folder / "capture.packets"
        command = ["env", python_path(), sys.executable, "-m", "chaos.capture_ring"]
        command += ["--every", str(self._every), "--file", str(self._file)]
        for link in links:
            command += ["--link", link]
        self._process = ChaosProcess("capture", command, folder)

    def start(self) -> None:
        """Return when it sees everything."""
        self._process.start()
        self._process.wait_for_log("ready", timeout=10)

    def finish(self) -> Seen:
        """End it and compare. The file stays when something was wrong."""
        self._process.stop()
        assert self._process.exit_code == 0, self._process.tail()
        counts = json.loads(self._process.tail(1))
        uses = check(partial(read, self._file), read_cluster_secret(None, self._secret))
        if uses.is_clean:
            self._file.unlink()
        return Seen(uses, self._every, counts["seen"], counts["lost"], counts["cpu_ms"] / 1000)

    def close(self) -> None:
        """Make sure that it is gone."""
        self._process.close()


def figures_of(seen: Seen) -> tuple[Figure, ...]:
    """Lines of a scenario's table."""
    uses = seen.uses
    value = f"{uses.twice} of {uses.packets:,} packets under {uses.keys:,} keys"
    if uses.problems:
        value += ": " + "; ".join(uses.problems)
    heard = uses.kinds >= {"rtp", "trunk"}
    whom = "every listener" if seen.every == 1 else f"one listener in {seen.every}"
    return (
        Figure("indices used twice", value, "0, with sound on every kind of way", heard and uses.twice == 0),
        at_most("packets whose key or index is uncertain", uses.keyless + uses.leaps, 0),
        at_most("packets that the capture lost, %", 100 * seen.lost / max(1, seen.frames), LOST),
        told("captured", f"everything between nodes, and to {whom}; {seen.cpu:.1f} s of CPU time"),
    )

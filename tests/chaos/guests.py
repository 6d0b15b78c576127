"""A crowd of a scenario: a `chaos.crowd.process`, told what to do line by line and followed by its diary."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaos.hosts import CROWD, CROWD_HOST, Host
from chaos.process import ChaosProcess
from chaos.scene import Scene
from chaos.store import python_path
from support.waiting import wait_for

LOOPBACK = "127.2.0.1"  # the first listener's address where there are no hosts
ANSWERS = frozenset({"200", "201", "204", "425", "503"})
"""Statuses that are answers: a seat, a place, a goodbye, or when to ask again."""


@dataclass(frozen=True, slots=True)
class GuestRow:
    """One person of the report. Wall-clock seconds."""

    kind: str
    came: float
    tapped: float
    heard: float | None
    left: float | None
    attempts: int
    errors: int


@dataclass(frozen=True, slots=True)
class CrowdReport:
    """What a crowd went through."""

    guests: tuple[GuestRow, ...]
    fields: dict[str, Any]

    @property
    def records(self) -> tuple[dict[str, Any], ...]:
        """Of everybody who was seated."""
        return tuple(self.fields["each"])

    @property
    def errors(self) -> int:
        """Attempts that ended in a reset, a timeout or a failed handshake, and answers of another kind."""
        odd = sum(count for name, count in self.fields["answers"].items() if name.split()[-1] not in ANSWERS)
        return odd + sum(self.fields["errors"].values())

    @property
    def errors_text(self) -> str:
        """What they were."""
        odd = {name: n for name, n in self.fields["answers"].items() if name.split()[-1] not in ANSWERS}
        return ", ".join(f"{name}: {n}" for name, n in {**self.fields["errors"], **odd}.items()) or "none"

    @property
    def answers_text(self) -> str:
        """All answers, by status."""
        return ", ".join(f"{name}: {n}" for name, n in sorted(self.fields["answers"].items()))

    def of(self, kind: str) -> list[GuestRow]:
        """Those who came as this."""
        return [guest for guest in self.guests if guest.kind == kind]

    def heard(self, kind: str | None = None) -> list[float]:
        """When each of them first heard, in order."""
        return sorted(
            guest.heard
            for guest in self.guests
            if guest.heard is not None and (kind is None or guest.kind == kind)
        )

    def joins_ms(self, kind: str) -> list[float]:
        """From the tap that got somebody in to the first sound."""
        return [1000 * (guest.heard - guest.tapped) for guest in self.of(kind) if guest.heard is not None]

    def late_or_lost(self) -> float:
        """Per cent of the packets of all who were seated."""
        packets = sum(record["packets"] for record in self.records)
        lost = sum(record["lost"] for record in self.records)
        late = sum(record["late"] for record in self.records)
        return 100 * (late + lost) / max(1, packets + lost)

    def longest_gap(self) -> float:
        """Milliseconds, of anybody who was seated."""
        return max((float(record["longest_gap_ms"]) for record in self.records), default=0.0)


class Guests:
    """`start`, `tell` what happens, look at `now`, `finish`."""

    def __init__(
        self,
        host: Host | None,
        targets: Sequence[str],
        event: str,
        folder: Path,
        *,
        rows: int,
        name: str = "crowd",
        inject: bool = False,
        prefix: Sequence[str] = (),
    ) -> None:
        """Without a host: on loopback, or where `prefix` puts it, with a socket each."""
        self._diary = folder / f"{name}.diary"
        self._report = folder / f"{name}.json"
        first = str(CROWD[1]) if host is not None else None if prefix else LOOPBACK
        settings = {
            "targets": list(targets),
            "event": event,
            "rows": rows,
            "first_address": first,
            "inject": inject,
            "diary": str(self._diary),
            "report": str(self._report),
        }
        command = [*(host.prefix if host is not None else prefix), "env", python_path(), sys.executable]
        command += ["-m", "chaos.crowd.process", json.dumps(settings)]
        self._process = ChaosProcess(name, command, folder)

    def start(self) -> None:
        """Return when it is there."""
        self._process.start()
        wait_for(lambda: bool(self.now()) or self._gone(), timeout=20, what="the crowd's diary")
        assert not self._gone(), f"the crowd ended\n{self._process.tail()}"

    def tell(self, do: str, **arguments: Any) -> None:
        """A method of `chaos.crowd.house.House`."""
        self._process.tell(json.dumps({"do": do, **arguments}))

    def now(self) -> dict[str, Any]:
        """The newest line of its diary; empty before the first."""
        if not self._diary.exists():
            return {}
        lines = self._diary.read_text().rpartition("\n")[0].splitlines()
        return dict(json.loads(lines[-1])) if lines else {}

    def diary(self) -> list[dict[str, Any]]:
        """All lines so far."""
        return [json.loads(line) for line in self._diary.read_text().rpartition("\n")[0].splitlines()]

    def wait_until(self, name: str, count: int, *, timeout: float) -> bool:
        """Whether this number of the diary reached `count` in time."""
        try:
            wait_for(
                lambda: self.now()[name] >= count or self._gone(), timeout=timeout, what=f"{count} {name}"
            )
        except AssertionError:
            return False
        assert not self._gone(), f"the crowd ended\n{self._process.tail()}"
        return True

    def finish(self) -> CrowdReport:
        """They go; what they went through."""
        self.tell("finish")
        wait_for(self._gone, timeout=60, what="the crowd's end")
        assert self._report.exists(), f"no report\n{self._process.tail()}"
        fields = json.loads(self._report.read_text())
        return CrowdReport(tuple(GuestRow(*row) for row in fields.pop("guests")), fields)

    def close(self) -> None:
        """Make sure it is gone."""
        self._process.close()

    def _gone(self) -> bool:
        return self._process.exit_code is not None


def crowd_of(here: Scene, *, rows: int, inject: bool = False) -> Guests:
    """A crowd at the scene's gateways."""
    crowd = Guests(
        here.hosts[CROWD_HOST],
        here.cluster.gateways,
        here.event.id,
        here.plan.folder,
        rows=rows,
        inject=inject,
    )
    here.stack.callback(crowd.close)
    crowd.start()
    return crowd

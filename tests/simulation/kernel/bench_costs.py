"""What a packet and a join cost, as `make bench` measured them: its JSON file, else its table in the docs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[3] / "docs" / "performance.md"
PTIMES = (20, 40, 60, 120)
US = 1e-6
MS = 1e-3


@dataclass(frozen=True, slots=True)
class Costs:
    """CPU seconds of one shard. The defaults are the orders of magnitude of a 2-core virtual machine."""

    packet: Mapping[int, float] = field(default_factory=lambda: dict.fromkeys(PTIMES, 4.2 * US))
    """Per packet sent, by ptime in ms: longer packets are fewer and each costs a little more."""
    receive: float = 4.0 * US
    """Per listener and second: 0.5 checks and 0.2 reports a second (Chromium), some 5 us each."""
    join: float = 1.5 * MS
    """Per join attempt."""
    idle: float = 0.02
    """Share of a core that a shard uses with nobody there."""
    source: str = "defaults"
    """Where they come from, for the head of the table."""

    def listener(self, ptime: int) -> float:
        """CPU seconds per second of one listener at `ptime` ms."""
        return self.packet[ptime] * 1000 / ptime + self.receive

    def scaled(self, packet: float = 1.0, join: float = 1.0) -> Costs:
        """The same machine, so many times slower at sending or at joining."""
        sent = {ptime: cost * packet for ptime, cost in self.packet.items()}
        return Costs(sent, self.receive * packet, self.join * join, self.idle, self.source)


MEASURED = Costs({20: 5.1 * US, 40: 6.0 * US, 60: 6.9 * US, 120: 9.5 * US}, join=2.15 * MS)
"""A run of `make bench`, kept so that a new one changes no test: longer packets cost more each."""


def read_costs(file: Path | None = None) -> Costs:
    """From the JSON file of `make bench`, else its page, else the defaults. ValueError: not its file."""
    if file is not None:
        return _of_json(json.loads(file.read_text("utf-8")), file.name)
    if PAGE.exists():
        return _of_page(PAGE.read_text("utf-8"))
    return Costs()


def _of_json(found: Any, name: str) -> Costs:
    try:
        samples, numbers = found["samples"], found["numbers"]
    except (KeyError, TypeError):
        raise ValueError(f"{name} is not a result of the bench") from None
    sent = {}
    for ptime in (20, 60):
        idle = samples.get(f"native {ptime} idle")
        busy = samples.get(f"native {ptime} 1000")
        if idle and busy:
            packets = busy["packets_per_second"] - idle["packets_per_second"]
            sent[ptime] = (busy["cpu"] - idle["cpu"]) / packets
    joins = numbers.get("native 60 join ms 100")
    return _costs(sent, joins and joins * MS, name)


def _of_page(text: str) -> Costs:
    sent = {}
    for ptime in (20, 60):
        row = _native_cell(text, f"CPU per packet, 1,000 listeners at {ptime} ms")
        net = re.search(r"\(([\d.]+) without", row)
        if net:
            sent[ptime] = float(net[1]) * US
    join = re.match(r"([\d.]+) ms", _native_cell(text, "server CPU per join at 100 seated"))
    return _costs(sent, float(join[1]) * MS if join else None, PAGE.name)


def _native_cell(text: str, label: str) -> str:
    """The native core's column of one row, or nothing."""
    row = re.search(rf"^\| {re.escape(label)} \| [^|]* \| ([^|]*) \|", text, re.MULTILINE)
    return row[1] if row else ""


def _costs(sent: dict[int, float], join: float | None, source: str) -> Costs:
    """Fill in what was not measured: 40 and 120 ms lie on the line through 20 and 60 ms."""
    usual = Costs()
    if set(sent) == {20, 60}:
        slope = (sent[60] - sent[20]) / 40
        packet = {ptime: max(sent[20] + slope * (ptime - 20), 0.5 * sent[20]) for ptime in PTIMES}
    else:
        packet = dict(usual.packet)
        source = usual.source
    return Costs(packet, usual.receive, join or usual.join, usual.idle, source)

"""The page of figures: what was measured, and how it stands against what was to be reached."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from bench import targets
from bench.machine import revision, this_machine
from bench.rows import COUNTS, Found
from bench.samples import Sample

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
SERVERS = (
    ("bare", "bare sendmmsg"),
    ("native", "native core"),
    ("python", "Python twin"),
    ("janus", "Janus"),
)
NOTHING = "-"


def render(found: Found, *, command: str, minutes: float) -> str:
    """Everything between the marks of the page."""
    now = datetime.datetime.now(datetime.UTC)
    lines = [
        f"`{command}`, {now:%Y-%m-%d %H:%M} UTC, {minutes:.0f} minutes, revision {revision()}.",
        f"Machine: {this_machine()}.",
        "",
        "## Measured",
        "",
        "| | " + " | ".join(name for _, name in SERVERS) + " |",
        "|---|" + "---|" * len(SERVERS),
        *_cost_rows(found),
        *_most_rows(found),
        *_join_rows(found),
        "",
        *_gateway_table(found),
        "## Against the figures to reach",
        "",
        "| what | to reach | measured | |",
        "|---|---|---|---|",
        *(str(one) for one in targets.judge(found)),
        "",
    ]
    if found.notes:
        lines += ["Notes of this run:", "", *(f"- {note}" for note in found.notes), ""]
    if found.profile:
        lines += ["## Profile", "", "The native core at 5,000 listeners and 60 ms (`perf`, CPU clock):", ""]
        lines += ["```text", found.profile, "```", ""]
    return "\n".join(lines)


def write(text: str, page: Path) -> None:
    """Put it into the page, between its marks."""
    before, _, rest = page.read_text("utf-8").partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise RuntimeError(f"{page.name} has no marks for the table")
    page.write_text(f"{before}{BEGIN}\n{text}{END}{after}", "utf-8")


def as_json(found: Found) -> dict[str, Any]:
    """Every sample and number by name."""
    return {
        "machine": str(this_machine()),
        "revision": revision(),
        "samples": {name: sample.as_dict() for name, sample in found.samples.items()},
        "numbers": found.numbers,
        "notes": found.notes,
        "targets": [
            {"what": one.what, "to_reach": one.wanted, "measured": one.measured, "reached": one.reached}
            for one in targets.judge(found)
        ],
    }


def _cost_rows(found: Found) -> list[str]:
    rows = []
    for ptime in (20, 60):
        for count in COUNTS:
            cells = [_cost(found, server, ptime, count) for server, _ in SERVERS]
            if any(cell != NOTHING for cell in cells):
                rows.append(_row(f"CPU per packet, {count:,} listeners at {ptime} ms", cells))
        over = found.samples.get(f"veth {ptime} 1000")
        if over is not None:
            cells = [f"{over.us_per_packet:.2f} us", "", "", ""]
            rows.append(_row(f"the same over Janus's wire, 1,000 at {ptime} ms", cells))
        flat = found.typical_number(f"bare {ptime} most {COUNTS[2]}")
        if flat:
            rows.append(
                _row(f"packets/s of one core, 5,000 addresses, {ptime} ms", [f"{flat:,.0f}", "", "", ""])
            )
    return rows


def _cost(found: Found, server: str, ptime: int, count: int) -> str:
    sample = found.typical(f"{server} {ptime} {count}")
    if sample is None:
        return NOTHING
    text = f"{sample.us_per_packet:.2f} us"
    idle = found.typical(f"{server} {ptime} idle")
    if idle is not None:
        text += f" ({targets.net_us(sample, idle):.2f} without the idle server)"
    return text + (f", lost {100 * sample.loss:.1f} %" if sample.loss > 0.001 else "")


def _most_rows(found: Found) -> list[str]:
    rows = []
    for ptime in (20, 60):
        for word, label in (("most", "most listeners"), ("beyond", "first count beyond the limits")):
            cells = [_most(found.typical(f"{server} {ptime} {word}")) for server, _ in SERVERS]
            if any(cell != NOTHING for cell in cells):
                rows.append(_row(f"{label} at {ptime} ms", cells))
    return rows


def _most(sample: Sample | None) -> str:
    if sample is None:
        return NOTHING
    return (
        f"**{sample.listeners:,}**: lost {100 * sample.loss:.2f} %, late {100 * sample.late:.2f} %, "
        f"p99 {1000 * sample.p99:.0f} ms, {sample.us_per_packet:.2f} us per packet"
    )


def _join_rows(found: Found) -> list[str]:
    rows = []
    names = {
        "20 joins empty": ("full joins/s into an empty server", "{:.0f}"),
        "60 joins 5000": ("full joins/s into 5,000 seated at 60 ms", "{:.0f}"),
        "60 join ms 100": ("server CPU per join at 100 seated", "{:.2f} ms"),
        "60 join ms 10000": ("server CPU per join at 10,000 seated", "{:.2f} ms"),
    }
    for key, (label, form) in names.items():
        values = [found.typical_number(f"{server} {key}") for server, _ in SERVERS]
        if any(value is not None for value in values):
            rows.append(_row(label, [NOTHING if value is None else form.format(value) for value in values]))
    each = {server: targets.bytes_per_seat(found, server) for server, _ in SERVERS}
    each["janus"] = found.typical_number("janus bytes per listener")
    if any(value is not None for value in each.values()):
        cells = [NOTHING if value is None else f"{value / 1024:.1f} KiB" for value in each.values()]
        rows.append(_row("memory per seated listener (RSS)", cells))
    return rows


def _gateway_table(found: Found) -> list[str]:
    names = {
        "status": "status bodies, connections kept alive",
        "connections": "new connections, one status body each",
        "tickets": "places in line, connections kept alive",
    }
    if not any(f"gateway {name}" in found.numbers for name in names):
        return []
    rows = [
        _row(label, [_per_second(found, name), _per_second(found, f"{name} tls")])
        for name, label in names.items()
    ]
    head = "One gateway on one core, answers per second (and how much of the core the process got for them):"
    return [head, "", "| | HTTP | HTTPS |", "|---|---|---|", *rows, ""]


def _per_second(found: Found, name: str) -> str:
    rate, cpu = (found.numbers.get(f"gateway {name}{leaf}") for leaf in ("", " cpu"))
    return NOTHING if rate is None or cpu is None else f"{rate:,.0f} ({100 * cpu:.0f} %)"


def _row(label: str, cells: list[str]) -> str:
    return f"| {label} | " + " | ".join(cells) + " |"

"""What a scenario leaves behind: a table for people and the same as JSON, in `build/chaos`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from chaos.verdict import Figure, Record

OUT = Path(__file__).resolve().parents[2] / "build" / "chaos"


def write_tables(
    name: str, sentence: str, figures: Sequence[Figure], records: Sequence[Record], folder: Path
) -> Path:
    """`NAME.md` and `NAME.json`; the path of the first."""
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"{name}.md"
    page.write_text(
        "\n".join([f"# {name}", "", sentence, "", *_figures(figures), "", *_listeners(records), ""])
    )
    document = {
        "scenario": name,
        "passed": all(figure.passed for figure in figures),
        "figures": {
            figure.name: {"value": figure.value, "limit": figure.limit, "passed": figure.passed}
            for figure in figures
        },
        "listeners": list(records),
    }
    (folder / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")
    return page


def _figures(figures: Sequence[Figure]) -> list[str]:
    rows = ["| what | measured | to reach | |", "|---|---|---|---|"]
    for figure in figures:
        mark = "" if not figure.limit else "ok" if figure.passed else "MISSED"
        rows.append(f"| {figure.name} | {_text(figure.value)} | {figure.limit} | {mark} |")
    return rows


def _listeners(records: Sequence[Record]) -> list[str]:
    rows = [
        "| listener | shards | packets | lost | late | longest gap, ms | gaps | silent, ms | changes |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for record in records:
        shards = ", ".join(str(session["shard"]) for session in record["sessions"])
        changes = ", ".join(_change(change) for change in record["changes"])
        cells = [record["listener"], shards, record["packets"], record["lost"], record["late"]]
        cells += [f"{record['longest_gap_ms']:g}", record["gaps"], f"{record['lost_ms']:g}", changes]
        rows.append(f"| {' | '.join(str(cell) for cell in cells)} |")
    return rows


def _change(change: Record) -> str:
    if change["heard"] is None:
        return f"{change['why']}, never back"
    if change["why"] == "moved":
        return "moved"
    return f"{change['why']} {change['heard'] - change['begin']:.1f} s, {change['attempts']} attempts"


def _text(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"

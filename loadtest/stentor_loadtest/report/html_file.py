"""The outcome as one HTML file with nothing to load."""

from __future__ import annotations

import math
from html import escape
from pathlib import Path

from stentor_loadtest.report.outcome import Outcome
from stentor_loadtest.report.text import number

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse; width: 100% }}
td {{ padding: .2rem .5rem; border-bottom: 1px solid #ddd }}
td.value {{ text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }}
.go {{ color: #14622d }} .no-go, .missed {{ color: #a11212 }} .generator {{ color: #7a4b00 }}
svg {{ width: 100%; height: 10rem }} rect {{ fill: #30568f }}
</style></head><body>
<h1>{title}: <span class="{word}">{word}</span></h1>
<p>{plan}</p>{limit}
<h2>Thresholds</h2><table>{thresholds}</table>
<h2>Figures</h2><table>{figures}</table>
<h2>Lateness, 0 to 200 ms (logarithmic)</h2>{chart}
{failures}</body></html>
"""


def write_html(outcome: Outcome, path: Path) -> None:
    """Write the report."""
    plan = (
        f"{outcome.listeners} listeners at {outcome.rate:g} joins a second, {outcome.seconds:g} s, "
        f"event {outcome.event} on {outcome.target}"
    )
    limit = outcome.generator_limit
    path.write_text(
        _PAGE.format(
            title=escape(f"Load test: {outcome.scenario}"),
            word=outcome.word,
            plan=escape(plan),
            limit="" if limit is None else f"<p>The generator was the limit: {escape(limit)}.</p>",
            thresholds="".join(_threshold_rows(outcome)),
            figures="".join(_figure_rows(outcome)),
            chart=_chart(outcome.lateness_ms),
            failures=_failures(outcome.failures),
        ),
        encoding="utf-8",
    )


def _threshold_rows(outcome: Outcome) -> list[str]:
    rows = []
    for verdict in outcome.verdicts:
        word = "ok" if verdict.passed else "missed"
        value = "not measured" if verdict.value is None else number(verdict.value)
        text = escape(str(verdict.threshold))
        rows.append(f'<tr><td class="{word}">{word}</td><td>{text}</td><td class="value">{value}</td></tr>')
    return rows


def _figure_rows(outcome: Outcome) -> list[str]:
    return [
        f"<tr><td>{escape(figure.name)}</td>"
        f'<td class="value">{number(figure.value)} {escape(figure.unit)}</td>'
        f"<td>{escape(figure.sentence)}</td></tr>"
        for figure in outcome.figures
    ]


def _chart(counts: tuple[int, ...]) -> str:
    """Bars of log10(count + 1), so that one late packet in a million still shows."""
    top = math.log10(max(counts, default=0) + 1) or 1.0
    bars = []
    for at, count in enumerate(counts):
        height = 100 * math.log10(count + 1) / top
        bars.append(f'<rect x="{at}" y="{100 - height:.1f}" width=".9" height="{height:.1f}"/>')
    return f'<svg viewBox="0 0 {len(counts)} 100" preserveAspectRatio="none" role="img">{"".join(bars)}</svg>'


def _failures(failures: dict[str, int]) -> str:
    if not failures:
        return ""
    items = "".join(f"<li>{count} x {escape(reason)}</li>" for reason, count in sorted(failures.items()))
    return f"<h2>Failures</h2><ul>{items}</ul>"

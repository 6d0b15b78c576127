"""The outcome for scripts."""

from __future__ import annotations

import json
from pathlib import Path

from stentor_loadtest.report.outcome import Outcome


def write_json(outcome: Outcome, path: Path) -> None:
    """One object: settings, `figures` by name, `thresholds` with their verdicts, `failures` by reason,
    and `each` listener's own record."""
    document = {
        "scenario": outcome.scenario,
        "target": outcome.target,
        "event": outcome.event,
        "listeners": outcome.listeners,
        "rate": outcome.rate,
        "seconds": outcome.seconds,
        "outcome": outcome.word,
        "exit_code": outcome.exit_code,
        "generator_limit": outcome.generator_limit,
        "figures": {figure.name: round(figure.value, 4) for figure in outcome.figures},
        "thresholds": [
            {"threshold": str(verdict.threshold), "value": verdict.value, "passed": verdict.passed}
            for verdict in outcome.verdicts
        ],
        "failures": outcome.failures,
        "each": outcome.each,
    }
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")

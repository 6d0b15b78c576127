"""One run's outcome: figures, verdicts, and the exit code that scripts rely on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stentor_loadtest.report.summary import Figure, summarize
from stentor_loadtest.report.thresholds import Threshold, Verdict, judge
from stentor_loadtest.run.result import Record, RunResult

EXIT_GO, EXIT_MISSED, EXIT_USAGE, EXIT_GENERATOR = 0, 99, 2, 3

MAX_OWN_LAG_MS = 100.0  # beyond it our own delay is a part of every join time


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to print and what to exit with."""

    scenario: str
    target: str
    event: str
    listeners: int
    rate: float
    seconds: float
    figures: tuple[Figure, ...]
    verdicts: tuple[Verdict, ...]
    failures: dict[str, int]
    lateness_ms: tuple[int, ...]
    """Packets per millisecond of lateness, for the chart."""
    each: tuple[Record, ...]
    """What every listener heard; empty when the engine does not say."""
    generator_limit: str | None
    """Why this program, and not the server, was the limit; None when it was not."""

    @property
    def word(self) -> Literal["go", "no-go", "generator"]:
        """The outcome in one word."""
        if self.generator_limit is not None:
            return "generator"
        return "go" if all(verdict.passed for verdict in self.verdicts) else "no-go"

    @property
    def exit_code(self) -> int:
        """0 go, 99 a threshold missed, 3 the generator was the limit."""
        return {"go": EXIT_GO, "no-go": EXIT_MISSED, "generator": EXIT_GENERATOR}[self.word]


def conclude(scenario: str, result: RunResult, thresholds: list[Threshold]) -> Outcome:
    """Everything a report needs of a finished run."""
    figures = summarize(result)
    settings = result.settings
    return Outcome(
        scenario=scenario,
        target=settings.target,
        event=settings.event,
        listeners=settings.listeners,
        rate=settings.rate,
        seconds=settings.seconds,
        figures=figures,
        verdicts=tuple(judge(figures, thresholds)),
        failures=dict(result.failures),
        lateness_ms=tuple(result.lateness.counts[:200]),
        each=tuple(result.each),
        generator_limit=_generator_limit({figure.name: figure.value for figure in figures}),
    )


def _generator_limit(values: dict[str, float]) -> str | None:
    if values["client_dropped"] > 0:
        return f"this program was too slow for {values['client_dropped']:.0f} datagrams"
    if values["client_lag_p99_ms"] > MAX_OWN_LAG_MS:
        return f"this program ran {values['client_lag_p99_ms']:.0f} ms late (99th percentile)"
    return None

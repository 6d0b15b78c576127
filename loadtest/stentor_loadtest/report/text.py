"""The outcome as a table, and the one line that moves while a run goes on."""

from __future__ import annotations

from stentor_loadtest.listener.state import State
from stentor_loadtest.report.outcome import Outcome
from stentor_loadtest.run.result import RunResult


def table(outcome: Outcome) -> str:
    """The figures, the thresholds, the word."""
    lines = [
        f"{outcome.scenario}: {outcome.listeners} listeners at {outcome.rate:g}/s, {outcome.seconds:g} s",
        "",
    ]
    width = max(len(figure.name) for figure in outcome.figures)
    for figure in outcome.figures:
        value = f"{number(figure.value)} {figure.unit}".rstrip()
        lines.append(f"  {figure.name:<{width}}  {value:>12}  {figure.sentence}")
    lines += ["", *(f"  {count} x {reason}" for reason, count in sorted(outcome.failures.items()))]
    for verdict in outcome.verdicts:
        mark = "ok    " if verdict.passed else "MISSED"
        measured = "not measured" if verdict.value is None else number(verdict.value)
        lines.append(f"  {mark} {verdict.threshold}  ({measured})")
    if outcome.generator_limit is not None:
        lines.append(f"  the generator was the limit: {outcome.generator_limit}")
    return "\n".join([*lines, "", outcome.word.upper()])


def progress_line(result: RunResult) -> str:
    """Where a run is, in one line."""
    listening = sum(1 for listener in result.listeners if listener.state is State.LISTENING)
    packets = sum(listener.reception.packets for listener in result.listeners)
    failed = sum(result.failures.values())
    late = 100 * result.lateness.share_above(0.020)
    wanted = result.settings.listeners
    return (
        f"listening {listening}/{wanted}  failed {failed}  packets {packets}  later than 20 ms {late:.2f} %"
    )


def number(value: float) -> str:
    """Whole numbers whole, others with three digits that matter."""
    if value == int(value):
        return str(int(value))
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"

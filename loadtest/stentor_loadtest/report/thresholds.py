"""`loss<0.5`: what a figure must be for a go."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from stentor_loadtest.errors import UsageError
from stentor_loadtest.report.summary import Figure

_FORM = re.compile(r"\s*([a-z0-9_]+)\s*(<=|>=|==|<|>)\s*(-?\d+(?:\.\d+)?)\s*\Z")
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}


@dataclass(frozen=True, slots=True)
class Threshold:
    """A bound on one figure."""

    figure: str
    relation: str
    bound: float

    def __str__(self) -> str:
        return f"{self.figure}{self.relation}{self.bound:g}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one threshold."""

    threshold: Threshold
    value: float | None
    """None when the run did not measure it (a server figure without --server-pid)."""
    passed: bool


def parse_threshold(text: str) -> Threshold:
    """Read `NAME<NUMBER` (also <=, >, >=, ==). UsageError when it is not of that form."""
    match = _FORM.match(text)
    if match is None:
        raise UsageError(f"threshold {text!r} is not of the form NAME<NUMBER")
    return Threshold(match.group(1), match.group(2), float(match.group(3)))


def judge(figures: Iterable[Figure], thresholds: Iterable[Threshold]) -> list[Verdict]:
    """Hold the figures against the thresholds. A figure that was not measured fails its threshold."""
    values = {figure.name: figure.value for figure in figures}
    verdicts = []
    for threshold in thresholds:
        value = values.get(threshold.figure)
        passed = value is not None and _OPERATORS[threshold.relation](value, threshold.bound)
        verdicts.append(Verdict(threshold, value, passed))
    return verdicts

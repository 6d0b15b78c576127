"""A figure to reach, what was seen, and whether that is enough."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulation.kernel.series import Series


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    what: str
    """The bound, in words: "0 oversold"."""
    seen: str
    """What the run showed, with its unit."""
    ok: bool
    """Whether the bound was kept."""


@dataclass(slots=True)
class Result:
    """Everything one scenario found."""

    name: str
    """As in the table and in the names of its plots."""
    figures: list[Figure] = field(default_factory=list)
    series: Series = field(default_factory=Series)
    """What to plot."""
    notes: list[str] = field(default_factory=list)
    """What a reader of the table should know."""

    def expect(self, what: str, seen: str, ok: bool) -> None:
        """Add one figure."""
        self.figures.append(Figure(what, seen, ok))

    @property
    def missed(self) -> list[Figure]:
        """The figures that were not reached."""
        return [figure for figure in self.figures if not figure.ok]

"""The ladder: milliseconds of audio in a packet, chosen by the load it will mean.

CPU goes by packets, so under load packets get longer, never fewer listeners. Up at once, by prediction; down
slowly, by what the load will be and not by what it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from stentor.core.admission.costs import Costs
from stentor.core.admission.lateness import overload_of
from stentor.core.admission.laws import Laws

LEVELS = (20, 40, 60, 120)  # ms
RED_BELOW = 60  # ms: from here on there is no CPU for redundancy

_BACK_OFF = 4.0  # times longer at the longer packets, each time that lateness undid a step down
_SOONER = 4.0  # times, at most, that a window counts which is late by so many times the limit
_MORE = 1.1  # times the lateness of the window before: what is no less now is not being caught up with


@dataclass(frozen=True, slots=True)
class LadderState:
    """What the shard does now."""

    level: int
    """ms of audio in a packet."""
    braking: bool
    """Whether nobody new may join."""
    red: bool
    """Whether listeners with loss may have redundancy."""
    load: float
    """L(level): the predicted share of the cores."""
    busy: float
    """Share of the cores that makes lateness ours, for `Shedding`: used, or needed at 20 ms."""
    lasts: bool = False
    """Whether lateness has gone on for too long to be a hiccup: it counts, whoever makes it."""


class Ladder:
    """Starts at 20 ms."""

    def __init__(self, laws: Laws, *, cores: float) -> None:
        """`cores`: K."""
        self._laws = laws
        self._cores = cores
        self._rung = 0
        self._hold = laws.ladder_hold
        self._low_since: float | None = None  # since when the next shorter length would do
        self._changed_at = -math.inf
        self._forced_at = -math.inf
        self._came_down = False  # since the last forced step
        self._late_since: float | None = None  # since when it forces a step
        self._late_before = math.inf  # how late the window before was, if that was late enough
        self._slow = 0.0  # seconds that anything has been late, whoever makes it so, weighed by how late
        self._hot_since: float | None = None

    def update(self, now: float, *, listeners: int, costs: Costs, lateness: float, cpu: float) -> LadderState:
        """Decide, at the end of each window: `lateness` is its p90 (s), `cpu` the share of the cores used."""
        laws = self._laws
        loads = [listeners * costs.cost_per_listener(level) / self._cores for level in LEVELS]
        # A shard whose CPU others take uses little of it; that it has many listeners still makes it late.
        busy = max(cpu, loads[0])
        ours = overload_of(lateness, busy, laws.credit_idle_cpu) > laws.ladder_lateness
        lasts = self._lasts(lateness)
        late = ours or lasts
        self._late_since = _since(self._late_since, late, now)
        self._hot_since = _since(self._hot_since, cpu > laws.brake_cpu, now)
        hot = self._hot_since is not None and now - self._hot_since >= laws.brake_after
        braking = hot or (ours and self._rung == len(LEVELS) - 1)
        if now - self._forced_at > laws.ladder_hold_most:
            self._hold = laws.ladder_hold
        fits = next((rung for rung, load in enumerate(loads) if load < laws.ladder_up), len(LEVELS) - 1)
        if fits > self._rung:
            self._move(fits, now)
        elif late:
            self._low_since = None
            self._force(now, grows=lateness > _MORE * self._late_before)
        else:
            self._descend(loads, now)
        self._late_before = lateness if late else math.inf
        level = LEVELS[self._rung]
        return LadderState(level, braking, level < RED_BELOW, loads[self._rung], busy, lasts)

    def _lasts(self, lateness: float) -> bool:
        """Whether lateness has gone on for too long to be a hiccup: the more there is, the sooner.

        By windows, not by the clock: one that a stalled machine made long is still one look.
        """
        laws = self._laws
        times = lateness / laws.ladder_lateness
        self._slow = 0.0 if times <= 1.0 else self._slow + laws.credit_window * min(times, _SOONER)
        return self._slow >= laws.ladder_lasting

    def _move(self, rung: int, now: float) -> None:
        self._rung, self._changed_at, self._low_since = rung, now, None

    def _force(self, now: float, *, grows: bool) -> None:
        """The prediction was wrong, or somebody else takes the CPU: one step, then see.

        `grows`: two windows late, the second no less than the first. What a core that stalled left behind,
        or fifty joins at once, is being caught up with by then, so it is neither.
        """
        laws = self._laws
        if self._rung == len(LEVELS) - 1 or now - self._changed_at < laws.ladder_settling:
            return
        if self._late_since is None or (now - self._late_since < laws.ladder_patience and not grows):
            return
        if self._came_down:
            # The step down brought the lateness back, which no prediction saw: try it ever more rarely.
            self._hold = min(self._hold * _BACK_OFF, laws.ladder_hold_most)
        self._came_down, self._forced_at = False, now
        self._move(self._rung + 1, now)

    def _descend(self, loads: list[float], now: float) -> None:
        if self._rung == 0 or loads[self._rung - 1] >= self._laws.ladder_down:
            self._low_since = None
            return
        if self._low_since is None:
            self._low_since = now
        if now - self._low_since >= self._hold:
            self._came_down = now - self._forced_at <= self._laws.ladder_hold_most
            self._move(self._rung - 1, now)
            self._low_since = now  # the ten seconds before the next step have begun


def _since(before: float | None, holds: bool, now: float) -> float | None:
    """Since when it holds, None while it does not."""
    if not holds:
        return None
    return now if before is None else before

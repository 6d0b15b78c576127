"""What the page works out from the status body: how many are ahead, how long it may take, when to ask again.

The page's own code does the same; this is what the simulation and the test swarm use, and what it is held to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from stentor.core.admission.laws import Laws
from stentor.core.admission.line import WHOLE, Serving

_SOONEST, _LATEST = 0.7, 1.5  # of ahead / rate: rates change and people leave, so a range is all one can say


@dataclass(frozen=True, slots=True)
class Estimate:
    """All of it approximate, and said so."""

    ahead: int
    """People in front."""
    wait: tuple[float, float] | None
    """Seconds, from and to; None when nobody can say: a full house, or no rate."""
    poll: float
    """Seconds until the next look at the status."""


def ahead_of(curve: Sequence[tuple[int, int]], serving: Serving, arrival_ms: int) -> int:
    """People between the threshold and this arrival, by linear interpolation of the arrival curve."""
    return max(0, round(_came_by(curve, arrival_ms) - _came_by(curve, serving.arrival_ms)))


def ahead_in_lottery(entrants: int, serving: Serving, drawn: int) -> int:
    """People between the threshold and this number of the lottery."""
    return max(0, round(entrants * (drawn - serving.share) / WHOLE))


def estimate(laws: Laws, *, ahead: int, rate: float, full: bool, spread: float) -> Estimate:
    """`rate`: people called a second lately; `full`: the house is; `spread`: random, from -1 to 1."""
    wait = None if full or rate <= 0 else ahead / rate
    poll = (
        laws.poll_most if wait is None else min(max(laws.poll_part * wait, laws.poll_least), laws.poll_most)
    )
    expected = None if wait is None else (_SOONEST * wait, _LATEST * wait)
    return Estimate(ahead, expected, poll * (1.0 + laws.poll_spread * spread))


def _came_by(curve: Sequence[tuple[int, int]], moment_ms: int) -> float:
    if not curve:
        return 0.0
    if moment_ms <= curve[0][0]:
        return curve[0][1]
    for (start, before), (end, after) in pairwise(curve):
        if moment_ms <= end:
            return before + (after - before) * (moment_ms - start) / (end - start)
    return curve[-1][1]

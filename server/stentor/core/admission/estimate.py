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
    """Seconds, from and to; None when nobody can say: a full house, or a line that does not move."""
    poll: float
    """Seconds until the next look at the status."""


def ahead_of(curve: Sequence[tuple[int, int]], serving: Serving, arrival_ms: int) -> int:
    """People between the threshold and this arrival, by linear interpolation of the arrival curve."""
    return max(0, round(_came_by(curve, arrival_ms) - _came_by(curve, serving.arrival_ms)))


def ahead_in_lottery(entrants: int, serving: Serving, drawn: int) -> int:
    """People between the threshold and this number of the lottery, once hosts can ask for one."""
    return max(0, round(entrants * (drawn - serving.share) / WHOLE))


def estimate(
    laws: Laws, *, ahead: int, rate: float, full: bool, spread: float, pace: float = 0.0
) -> Estimate:
    """`rate`: people called a second lately; `full`: the house is; `spread`: random, from -1 to 1.

    `pace`: joins a second that the house could take. A line that does not move tells no wait, and a slow
    one a long wait; but when people leave it moves as fast as that: who stands near its head looks soon, a
    million behind them do not.
    """
    moves = rate > 0 and not full
    by_rate = laws.poll_part * ahead / rate if moves else laws.poll_most
    by_pace = laws.poll_part * ahead / pace if pace > 0 else laws.poll_most
    if full or rate > 0:  # it may move faster at any moment; one that has just begun will
        by_pace = max(by_pace, laws.poll_full)
    poll = min(max(min(by_rate, by_pace), laws.poll_least), laws.poll_most)
    expected = (_SOONEST * ahead / rate, _LATEST * ahead / rate) if moves else None
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

"""How many people to call each second: just so many that a small pool of them is always ready.

Not everybody who is called comes, and those who come need a few seconds to notice. Calling more than are
missing from the pool would only make more refusals; calling fewer would leave seats empty. So the law learns
two things from the releases it made: what share comes, and how soon.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from stentor.core.admission.laws import Laws

_KNOWN = 10.0  # people that what is known already weighs, beside those of the cohorts in sight
_TELLING = 0.5  # of its people should have come before a cohort tells what share comes
_NOTICED = 3.0  # times the shortest poll: poll, cached body, request and report until a called page is known
_RECENT = 8.0  # seconds after which a cohort says 1/e as much
_ENOUGH = 50.0  # people of one cohort that move what is known of "how soon" half of the way


@dataclass(slots=True)
class _Cohort:
    at: float
    number: int
    people: int
    came: list[int] = field(default_factory=list)  # by whole second of its age


class ReleaseLaw:
    """The leader's. A cohort is one release; its number is `Release.number`."""

    def __init__(self, laws: Laws) -> None:
        """Expects everybody to come until it knows better: rather a second later than a crowd too many."""
        self._laws = laws
        self._cohorts: deque[_Cohort] = deque()
        self._show_rate = 1.0
        self._target = 0
        # Of those who come: the share that is there after so many whole seconds.
        soon = _NOTICED * laws.poll_least
        self._there = [min(1.0, second / soon) for second in range(math.ceil(laws.line_young))]

    @property
    def show_rate(self) -> float:
        """Share of called people that come, from cohorts up to 30 s old."""
        return self._show_rate

    @property
    def target(self) -> int:
        """Size of the pool at the last step."""
        return self._target

    def step(
        self,
        now: float,
        *,
        free_seats: int,
        credit_rate: float,
        present: int,
        waiting: int,
        shown: Mapping[int, int],
    ) -> int:
        """How many to call now; once a second.

        `free_seats`, `credit_rate`: offered by all shards together. `present`: called, came, not seated yet
        (seen within the last few seconds). `waiting`: not called yet. `shown`: by number of the release, how
        many of its people have come so far, seated or not.
        """
        laws = self._laws
        while self._cohorts and now - self._cohorts[0].at > laws.line_old:
            self._cohorts.popleft()
        self._watch(now, shown)
        self._learn(now, shown)
        # The last seats would else wait, poll after poll, for those who do not come.
        spare = min(free_seats, math.ceil(laws.line_spare * credit_rate))
        self._target = max(0, min(free_seats + spare, math.ceil(laws.line_ready * credit_rate)))
        missing = self._target - present - self._expected(now, shown)
        if missing < 0.5 or waiting <= 0:
            return 0
        most = math.ceil(laws.line_step * self._target)
        return min(max(1, round(missing / self._show_rate)), most, waiting)

    def released(self, now: float, number: int, people: int) -> None:
        """What `Line.release` made of it: `Release.number` and `.people`."""
        self._cohorts.append(_Cohort(now, number, people))

    def _watch(self, now: float, shown: Mapping[int, int]) -> None:
        """Note who has come by which second; learn from a cohort when it is no longer young."""
        horizon = len(self._there)
        for cohort in self._cohorts:
            if len(cohort.came) >= horizon or now <= cohort.at:
                continue
            seen = shown.get(cohort.number, 0)
            while len(cohort.came) < min(horizon, math.floor(now - cohort.at + 1e-6) + 1):
                cohort.came.append(seen)
            if len(cohort.came) == horizon and seen > 0:
                weight = seen / (seen + _ENOUGH)
                for second, came in enumerate(cohort.came):
                    # Whoever stood at a door and is between two of them now was seen, and is not.
                    self._there[second] += weight * (min(came / seen, 1.0) - self._there[second])

    def _learn(self, now: float, shown: Mapping[int, int]) -> None:
        came, called = 0.0, 0.0
        for cohort in self._cohorts:
            there = self._share_there(now - cohort.at)
            if there >= _TELLING:
                # Of a cohort that was counted too low more may come than were called.
                weight = math.exp((cohort.at - now) / _RECENT)
                came += weight * min(shown.get(cohort.number, 0), cohort.people * there)
                called += weight * cohort.people * there
        if called:
            rate = (came + _KNOWN * self._show_rate) / (called + _KNOWN)
            self._show_rate = min(max(rate, self._laws.line_least_show), 1.0)

    def _expected(self, now: float, shown: Mapping[int, int]) -> float:
        """How many of the young cohorts are still on their way."""
        coming = 0.0
        for cohort in self._cohorts:
            missing = cohort.people - shown.get(cohort.number, 0)
            later = 1.0 - self._share_there(now - cohort.at)
            coming += max(0.0, min(missing, cohort.people * self._show_rate * later))
        return coming

    def _share_there(self, age: float) -> float:
        """Of those who come, the share that is there at this age (s): a line between the whole seconds."""
        second = math.floor(age)
        if second + 1 >= len(self._there):
            return 1.0
        before, after = self._there[second], self._there[second + 1]
        return before + (after - before) * (age - second)

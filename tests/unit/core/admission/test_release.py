"""The release law: the house fills as fast as it can, whoever does not come, and never sticks."""

from __future__ import annotations

import heapq
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.admission.arrivals import Arrivals
from stentor.core.admission.laws import Laws
from stentor.core.admission.line import Line, is_called
from stentor.core.admission.release import ReleaseLaw
from stentor.core.admission.ticket import Ticket

LAWS = Laws()
TICK = 0.1  # seconds
OPENS_MS = 1_790_000_000_000


class Rush:
    """Everybody comes within five seconds; pages notice a call when they poll; joins need credits."""

    def __init__(
        self, people: int, *, seats: int, rate: float, no_show: float, leave: range = range(0)
    ) -> None:
        self.chance = random.Random(1)
        self.seats, self.rate, self.leave = seats, rate, leave
        self.law, self.line, self.arrivals = ReleaseLaw(LAWS), Line(), Arrivals(LAWS)
        moments = sorted(OPENS_MS + self.chance.randrange(5000) for _ in range(people))
        self.waiting = [
            (Ticket(b"event..!", 1, bytes(8), moment, 0, 1), self.chance.random() >= no_show)
            for moment in reversed(moments)
        ]
        for moment in moments:
            self.arrivals.add(moment)
        self.now = 5.0
        self.coming: list[tuple[float, int]] = []
        self.present = 0
        self.most_present = 0
        self.taken = 0
        self.tokens = 0.0
        self.shown: Counter[int] = Counter()
        self.number = 0

    def leader(self) -> None:
        people = self.law.step(
            self.now,
            free_seats=self.seats - self.taken,
            credit_rate=self.rate,
            present=self.present,
            waiting=self.line.waiting(self.arrivals),
            shown=self.shown,
        )
        now_ms = OPENS_MS + round(self.now * 1000)
        release = self.line.release(people, self.arrivals, now=self.now, now_ms=now_ms)
        if release is None:
            return
        self.law.released(self.now, release.number, release.people)
        self.number = release.number
        while self.waiting and is_called(self.waiting[-1][0], release.serving):
            _, comes = self.waiting.pop()
            if comes and release.number not in self.leave:
                # The status body is a second old at most; a poll is 2 s +- 20 %.
                heapq.heappush(self.coming, (self.now + 0.5 + 2.9 * self.chance.random(), release.number))

    def run(self, seconds: float) -> float:
        """Until the house is full, or so long; the seconds it took."""
        began, ticks = self.now, 0
        while self.taken < self.seats and self.now < began + seconds:
            if ticks % 10 == 0:
                self.leader()
            while self.coming and self.coming[0][0] <= self.now:
                self.shown[heapq.heappop(self.coming)[1]] += 1
                self.present += 1
            self.most_present = max(self.most_present, self.present)
            self.tokens = min(self.tokens + self.rate * TICK, max(2.0, self.rate / 4))
            while self.present and self.tokens >= 1.0 and self.taken < self.seats:
                self.present, self.tokens, self.taken = self.present - 1, self.tokens - 1.0, self.taken + 1
            ticks += 1
            self.now += TICK
        return self.now - began


@pytest.mark.parametrize("no_show", [0.0, 0.3, 0.6])
@pytest.mark.parametrize(("rate", "seats"), [(10.0, 300), (100.0, 1000), (300.0, 6000)])
def test_house_fills_at_nine_tenths_of_the_possible_rate(rate: float, seats: int, no_show: float) -> None:
    rush = Rush(10 * seats, seats=seats, rate=rate, no_show=no_show)
    first_page = 2.0  # seconds until anybody can have noticed: no law fills seats before
    took = rush.run(600.0)
    assert rush.taken == seats
    assert took <= seats / rate / 0.9 + first_page
    assert rush.most_present <= 2.0 * LAWS.line_ready * rate


@pytest.mark.parametrize("leave", [range(1, 2), range(3, 6), range(1, 12)], ids=str)
def test_called_people_who_all_leave_do_not_hold_up_the_rest(leave: range) -> None:
    rush = Rush(20_000, seats=1000, rate=100.0, no_show=0.0, leave=leave)
    took = rush.run(600.0)
    assert rush.taken == 1000
    assert took <= 10.0 + len(leave) * 1.5 + 4.0


def test_last_seat_of_a_full_house_is_given_when_it_comes_free() -> None:
    rush = Rush(5000, seats=500, rate=100.0, no_show=0.6)
    rush.run(600.0)
    for _ in range(20):
        rush.now += 30.0
        rush.taken -= 1
        assert rush.run(60.0) < 40.0
    assert rush.taken == 500


def test_full_house_calls_nobody() -> None:
    law = ReleaseLaw(LAWS)
    assert law.step(1.0, free_seats=0, credit_rate=100.0, present=0, waiting=500, shown={}) == 0


def test_nobody_waiting_means_nobody_called() -> None:
    law = ReleaseLaw(LAWS)
    assert law.step(1.0, free_seats=100, credit_rate=100.0, present=0, waiting=0, shown={}) == 0
    assert law.step(1.0, free_seats=100, credit_rate=100.0, present=0, waiting=3, shown={}) == 3


def test_pool_is_five_seconds_of_credits_or_a_little_more_than_the_free_seats() -> None:
    law = ReleaseLaw(LAWS)
    assert law.step(1.0, free_seats=1000, credit_rate=20.0, present=0, waiting=5000, shown={}) == 100
    assert law.step(1.0, free_seats=30, credit_rate=20.0, present=0, waiting=5000, shown={}) == 40
    assert law.target == 30 + LAWS.line_spare * 20.0
    assert law.step(1.0, free_seats=3, credit_rate=20.0, present=0, waiting=5000, shown={}) == 6


def test_people_who_came_and_people_on_their_way_are_not_called_for_twice() -> None:
    law = ReleaseLaw(LAWS)
    law.step(1.0, free_seats=1000, credit_rate=20.0, present=0, waiting=5000, shown={})
    law.released(1.0, 1, 100)
    assert law.step(1.1, free_seats=1000, credit_rate=20.0, present=0, waiting=4900, shown={}) <= 3
    assert law.step(3.0, free_seats=1000, credit_rate=20.0, present=100, waiting=4900, shown={1: 100}) == 0


def test_show_rate_is_what_the_cohorts_show() -> None:
    law = ReleaseLaw(LAWS)
    shown: dict[int, int] = {}
    for number in range(1, 40):
        law.step(float(number), free_seats=1000, credit_rate=50.0, present=0, waiting=5000, shown=shown)
        law.released(float(number), number, 100)
        shown[number] = 40
    assert law.show_rate == pytest.approx(0.4, abs=0.02)


def test_new_leader_starts_without_having_seen_a_release() -> None:
    rush = Rush(20_000, seats=1000, rate=100.0, no_show=0.3)
    rush.run(4.0)
    rush.law, rush.line = ReleaseLaw(LAWS), Line(serving=rush.line.serving, number=rush.number)
    assert rush.run(600.0) < 10.0
    assert rush.taken == 1000


@given(
    st.lists(
        st.tuples(
            st.floats(0, 3),
            st.integers(0, 2000),
            st.floats(0, 500),
            st.integers(0, 500),
            st.integers(0, 10_000),
            st.integers(0, 3000),
        ),
        max_size=60,
    )
)
@settings(max_examples=200)
def test_never_more_are_called_than_wait_nor_than_three_pools(
    steps: list[tuple[float, int, float, int, int, int]],
) -> None:
    law, now, shown = ReleaseLaw(LAWS), 0.0, {}
    for number, (passed, free, rate, present, waiting, came) in enumerate(steps, 1):
        now += passed
        people = law.step(
            now, free_seats=free, credit_rate=rate, present=present, waiting=waiting, shown=shown
        )
        assert 0 <= people <= min(waiting, LAWS.line_step * law.target)
        assert law.target <= 2 * free
        assert LAWS.line_least_show <= law.show_rate <= 1.0
        if people:
            law.released(now, number, people)
            shown[number] = came

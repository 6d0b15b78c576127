"""Join credits: a bucket that never gives more than it has, and a rate that lateness governs."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.admission.costs import Costs
from stentor.core.admission.credits import Credits, possible_rate
from stentor.core.admission.laws import Laws

LAWS = Laws(cost_join=2500.0)  # microseconds: round rates
COSTS = Costs(LAWS)


class Shard:
    """Credits in virtual time, with windows of 250 ms."""

    def __init__(self, *, cores: float = 1.0, listeners: int = 0) -> None:
        self.now = 0.0
        self.listeners = listeners
        self.credits = Credits(LAWS, COSTS, cores=cores, now=0.0)

    def window(
        self, lateness: float = 0.001, *, cpu: float = 0.6, braking: bool = False, lasts: bool = False
    ) -> float:
        self.now += LAWS.credit_window
        return self.credits.update(
            self.now,
            lateness=lateness,
            cpu=cpu,
            listeners=self.listeners,
            ptime=60,
            costs=COSTS,
            braking=braking,
            lasts=lasts,
        )

    def joins(
        self, seconds: float, *, wanted: int = 10_000, returning: bool = False, step: float = 0.01
    ) -> int:
        """How many of `wanted` start within the time, asked every `step`; no window passes."""
        taken = 0
        for _ in range(round(seconds / step)):
            self.now += step
            while taken < wanted and self.credits.take(self.now, returning=returning):
                taken += 1
        return taken


def test_empty_shard_starts_at_what_its_cores_can_do() -> None:
    assert Shard().credits.rate == pytest.approx(0.80 / 2.5e-3)
    assert Shard(cores=2).credits.rate == pytest.approx(2 * 0.80 / 2.5e-3)


def test_possible_rate_falls_with_every_listener() -> None:
    assert possible_rate(LAWS, COSTS, cores=1, listeners=5000, ptime=60) == pytest.approx(100.0)
    assert possible_rate(LAWS, COSTS, cores=1, listeners=9000, ptime=60) < 0


def test_fifty_listeners_at_once_have_all_started_after_a_sixth_of_a_second() -> None:
    assert Shard().joins(0.16, wanted=50) == 50


def test_saved_credits_are_not_one_lump_of_work() -> None:
    shard = Shard()
    shard.now += 3600.0
    started = 0
    while shard.credits.take(shard.now):
        started += 1
    assert started * 2.5e-3 <= 0.040


def test_rate_stays_between_the_floor_and_the_possible_rate() -> None:
    shard = Shard(listeners=5000)
    for _ in range(100):
        shard.window()
    assert shard.credits.rate == pytest.approx(100.0)
    for _ in range(100):
        shard.window(0.019)
    assert shard.credits.rate == LAWS.credit_floor
    shard.listeners = 9000
    assert shard.window() == LAWS.credit_floor


@pytest.mark.parametrize(
    ("lateness", "factor"), [(0.005, 1.0), (0.006, 0.96), (0.010, 0.8), (0.0175, 0.5), (0.3, 0.5)]
)
def test_cut_is_in_proportion_to_the_lateness(lateness: float, factor: float) -> None:
    shard = Shard()
    before = shard.credits.rate
    assert shard.window(lateness) == pytest.approx(before * factor)


def test_rate_grows_by_tenths_of_the_last_good_value_to_it_and_then_carefully() -> None:
    shard = Shard()
    good = shard.credits.rate
    shard.window(0.0175)
    half = shard.credits.rate
    assert shard.window() == pytest.approx(half + 0.1 * good)
    while shard.credits.rate < good:
        before = shard.credits.rate
        assert shard.window() == pytest.approx(min(good, before + 0.1 * good))


def test_look_after_a_second_stands_for_four_windows_and_a_longer_one_for_no_more() -> None:
    rates = []
    for seconds, looks in ((LAWS.credit_window, 4), (1.0, 1), (30.0, 1)):
        shard = Shard()
        shard.window(0.015)  # a cut
        for _ in range(looks):
            shard.now += seconds - LAWS.credit_window
            shard.window()
        rates.append(shard.credits.rate)
    assert rates == pytest.approx([rates[0]] * 3)


def test_beyond_the_last_good_value_the_rate_is_probed_by_a_fiftieth() -> None:
    shard = Shard()
    shard.window(0.0175)  # good: 320
    shard.window(0.0175)
    shard.window()
    low = shard.credits.rate
    shard.window(0.010)  # good is where this run of cuts began
    while shard.credits.rate < low:
        shard.window()
    assert shard.credits.rate == pytest.approx(low)
    assert shard.window() == pytest.approx(low + 0.02 * 0.80 / 2.5e-3)


def test_stall_of_an_idle_process_costs_nothing() -> None:
    shard = Shard()
    before = shard.credits.rate
    shard.window(0.1, cpu=0.05)
    assert (shard.credits.rate, shard.credits.is_paused(shard.now)) == (before, False)


def test_lateness_of_an_idle_process_that_lasts_counts_all_the_same() -> None:
    shard = Shard()
    before = shard.credits.rate
    shard.window(0.1, cpu=0.05, lasts=True)
    assert shard.credits.rate < before and shard.credits.is_paused(shard.now)


def test_above_the_stop_new_joins_wait_for_a_second_and_start_again() -> None:
    shard = Shard()
    shard.window(0.030)
    assert shard.joins(0.99) == 0
    assert shard.joins(1.0) > 50


def test_returning_listeners_go_on_at_the_rate_that_was_cut_while_new_ones_wait() -> None:
    shard = Shard()
    shard.window(0.030)
    came = shard.joins(0.99, returning=True)
    assert came == pytest.approx(0.99 * shard.credits.rate, abs=2)
    assert not shard.credits.take(shard.now)


def test_lateness_at_the_target_is_no_reason_to_stay_low() -> None:
    shard = Shard()
    shard.window(0.0175)
    low = shard.credits.rate
    assert shard.window(LAWS.credit_target) > low


def test_rate_grows_in_a_pause_in_which_those_who_return_make_nobody_late() -> None:
    shard = Shard()
    shard.window(0.030)
    low = shard.window(0.030)
    shard.joins(0.25, returning=True)
    assert shard.window() > low


def test_rate_does_not_grow_in_a_pause_in_which_nobody_came() -> None:
    shard = Shard()
    low = shard.window(0.030)
    assert shard.window() == low  # it proves nothing


def test_pause_ends_with_the_first_window_that_is_in_time_again() -> None:
    shard = Shard()
    shard.window(0.030)
    shard.window(0.010)
    assert not shard.credits.take(shard.now)
    shard.window(0.004)
    assert shard.credits.take(shard.now)


def test_returning_listeners_are_cut_down_to_the_floor_while_they_make_it_late() -> None:
    shard = Shard()
    for _ in range(8):
        shard.window(0.030)
        shard.joins(0.25, returning=True)
    assert shard.credits.rate == LAWS.credit_floor
    came = shard.joins(0.99, returning=True)
    assert 9 <= came <= 12


def test_braking_stops_new_joins_as_long_as_it_lasts() -> None:
    shard = Shard()
    for _ in range(8):
        shard.window(braking=True)
        assert not shard.credits.take(shard.now)
    shard.window()
    assert shard.joins(0.2) > 5


def test_credits_are_down_within_two_windows_of_a_stolen_core() -> None:
    shard = Shard(listeners=2000)
    before = shard.credits.rate
    shard.window(0.012)
    shard.window(0.018)
    assert shard.credits.rate < 0.5 * before


def test_stall_once_a_minute_costs_less_than_five_per_cent_of_the_joins() -> None:
    steady, stalled = Shard(listeners=2000), Shard(listeners=2000)
    joins = {steady: 0, stalled: 0}
    for number in range(240):
        for shard in (steady, stalled):
            stall = shard is stalled and number in (100, 101)  # 300 ms: two windows see it
            joins[shard] += shard.joins(0.24)
            shard.now += 0.01 - LAWS.credit_window
            shard.window(0.3 if stall else 0.001)
    assert joins[stalled] > 0.95 * joins[steady]


def test_returning_listeners_take_everything_if_they_need_it() -> None:
    shard = Shard(listeners=5000)
    shard.window()
    new = returned = 0
    for _ in range(1000):
        shard.now += 0.01
        while shard.credits.take(shard.now, returning=True):
            returned += 1
        new += shard.credits.take(shard.now)
    assert new == 0
    assert returned == pytest.approx(1000, rel=0.05)


def test_returning_listeners_always_find_a_fifth() -> None:
    shard = Shard(listeners=5000)
    shard.window()
    shard.credits.take(shard.now, returning=True)
    refused = new = 0
    for number in range(1000):  # ten seconds at 100 joins a second; 20 a second return, thousands are new
        shard.now += 0.01
        while shard.credits.take(shard.now):
            new += 1
        if number % 5 == 0:
            refused += not shard.credits.take(shard.now, returning=True)
    assert refused == 0
    assert new == pytest.approx(800, rel=0.05)


def test_part_kept_for_returning_listeners_is_given_free_a_second_after_the_last() -> None:
    shard = Shard(listeners=5000)
    shard.window()
    shard.credits.take(shard.now, returning=True)
    shard.now += 1.0
    assert shard.joins(10.0, wanted=10_000) == pytest.approx(1000, rel=0.05)


STEPS = st.lists(
    st.tuples(
        st.floats(0, 1),  # seconds that pass
        st.sampled_from(["new", "returning", "window"]),
        st.floats(0, 0.5),  # lateness
        st.floats(0, 1),  # cpu
        st.integers(0, 20_000),  # listeners
        st.booleans(),  # braking
    ),
    max_size=200,
)


@given(STEPS)
@settings(max_examples=200)
def test_never_more_joins_than_the_bucket_and_the_highest_rate_allow(
    steps: list[tuple[float, str, float, float, int, bool]],
) -> None:
    join_credits = Credits(LAWS, COSTS, cores=1.0, now=0.0)
    highest = join_credits.rate
    now, taken = 0.0, 0
    for passed, action, lateness, cpu, listeners, braking in steps:
        now += passed
        if action == "window":
            rate = join_credits.update(
                now, lateness=lateness, cpu=cpu, listeners=listeners, ptime=20, costs=COSTS, braking=braking
            )
            assert LAWS.credit_floor <= rate <= highest
        else:
            allowed = join_credits.take(now, returning=action == "returning")
            assert not (allowed and action == "new" and join_credits.is_paused(now))
            taken += allowed
        assert taken <= highest * LAWS.credit_burst + highest * now + 1e-6


def test_clock_that_goes_back_gives_nothing() -> None:
    join_credits = Credits(LAWS, COSTS, cores=1.0, now=100.0)
    while join_credits.take(100.0):
        pass
    assert not join_credits.take(50.0)
    assert not join_credits.take(100.0)
    assert join_credits.take(100.1)


def test_floor_is_at_work_when_listeners_need_everything() -> None:
    laws = dataclasses.replace(LAWS, credit_floor=10.0)
    join_credits = Credits(laws, COSTS, cores=1.0, now=0.0)
    join_credits.update(0.25, lateness=0.004, cpu=0.79, listeners=9000, ptime=60, costs=COSTS)
    joined = sum(join_credits.take(0.25 + step * 0.01) for step in range(1000))
    assert joined == pytest.approx(100, abs=5)


def test_rate_is_cut_when_others_take_the_cpu_that_many_listeners_need() -> None:
    shard = Shard(listeners=1200)
    before = shard.window()
    assert shard.window(0.010, cpu=0.1) == pytest.approx(0.8 * before)


def test_rate_is_cut_when_others_take_the_cpu_that_joins_need() -> None:
    shard = Shard()
    before = shard.window()
    assert shard.window(0.010, cpu=0.1) == before  # nobody joins: somebody else's hiccup
    shard.joins(1.0)
    assert shard.window(0.010, cpu=0.1) < before


def test_asking_whether_a_handshake_may_start_costs_nothing() -> None:
    bucket = Credits(LAWS, COSTS, cores=1.0, now=0.0)
    for _ in range(100):
        assert bucket.has(0.0) and bucket.has(0.0, returning=True)
    taken = 0
    while bucket.has(0.0):
        assert bucket.take(0.0)
        taken += 1
    assert taken == 6 and not bucket.take(0.0)


def test_while_the_loop_is_behind_nobody_new_begins_and_those_who_return_do() -> None:
    shard = Shard(listeners=2000)
    shard.window()
    shard.now += 0.1
    shard.credits.note_lag(shard.now, 2 * LAWS.credit_behind)
    assert not shard.credits.take(shard.now)
    assert shard.credits.take(shard.now, returning=True)
    shard.credits.note_lag(shard.now, 0.5 * LAWS.credit_behind)
    shard.now += 1.0  # the part kept for those who return is free again
    assert shard.credits.take(shard.now)


def test_loop_that_says_nothing_more_is_not_behind_for_ever() -> None:
    shard = Shard(listeners=2000)
    shard.window()
    shard.credits.note_lag(shard.now, 2 * LAWS.credit_behind)
    assert not shard.credits.take(shard.now + 0.9 * LAWS.credit_window)
    assert shard.credits.take(shard.now + LAWS.credit_window)


def test_hiccup_of_an_idle_machine_keeps_nobody_out() -> None:
    shard = Shard()
    shard.window(cpu=0.05)
    shard.credits.note_lag(shard.now, 0.3)
    assert shard.credits.take(shard.now)


def test_gateways_are_offered_what_those_at_the_door_leave() -> None:
    rate = Shard().credits.rate
    offered = Shard().credits.offered
    assert offered(0) == offered(int(0.5 * rate)) == rate
    assert offered(int(rate)) == pytest.approx(0.5 * rate, rel=0.01)
    assert offered(10_000) == LAWS.credit_floor

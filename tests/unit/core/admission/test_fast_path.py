"""A seat at once, while there is room and nobody waits."""

from __future__ import annotations

import pytest

from stentor.core.admission.fast_path import FastPath
from stentor.core.admission.laws import Laws


def test_small_event_is_open_from_the_first_listener_to_the_fiftieth() -> None:
    path = FastPath(Laws())
    for seated in range(50):
        assert path.update(seated * 0.01, waiting=0, free=2000 - seated, offered=2000)


def test_one_who_waits_closes_it_and_five_quiet_seconds_open_it() -> None:
    path = FastPath(Laws())
    assert not path.update(10.0, waiting=1, free=500, offered=1000)
    assert not path.update(14.9, waiting=0, free=500, offered=1000)
    assert path.update(15.0, waiting=0, free=500, offered=1000)


def test_somebody_new_begins_the_quiet_time_again() -> None:
    path = FastPath(Laws())
    path.update(10.0, waiting=1, free=500, offered=1000)
    path.update(14.0, waiting=1, free=500, offered=1000)
    assert not path.update(18.0, waiting=0, free=500, offered=1000)
    assert path.update(19.0, waiting=0, free=500, offered=1000)


@pytest.mark.parametrize(
    ("free", "offered", "is_open"),
    [(50, 1000, True), (49, 1000, False), (1, 20, True), (0, 20, False), (0, 0, False), (1, 1, True)],
)
def test_last_twentieth_of_the_seats_is_given_in_order(free: int, offered: int, is_open: bool) -> None:
    assert FastPath(Laws()).update(0.0, waiting=0, free=free, offered=offered) is is_open

from __future__ import annotations

from stentor.gateway.drain import DrainSwitch


def test_switch_tells_once_and_stays_on() -> None:
    told: list[bool] = []
    switch = DrainSwitch(lambda: told.append(switch.is_on))
    assert not switch.is_on
    switch.turn_on()
    switch.turn_on()
    assert switch.is_on and told == [True]


def test_switch_needs_nobody_to_tell() -> None:
    switch = DrainSwitch()
    switch.turn_on()
    assert switch.is_on

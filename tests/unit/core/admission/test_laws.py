"""The constants: each explained, each an option, and none that contradicts another."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.core.admission.laws import SECONDS, Laws
from stentor.core.config import BY_NAME, SERVER_OPTIONS
from stentor.core.law_options import LAW_OPTIONS
from stentor.core.option import Option, number


def test_shipped_laws_do_not_contradict_each_other() -> None:
    assert list(Laws().contradictions()) == []


@pytest.mark.parametrize("option", LAW_OPTIONS, ids=lambda option: option.name)
def test_every_law_is_an_option_whose_default_is_what_is_shipped(option: Option) -> None:
    assert BY_NAME[option.name] is option
    assert option.default is not None
    assert option.kind.read(option.default) == getattr(Laws(), option.field)
    assert ": " in option.help or ";" in option.help or len(option.help) > 40, "a law gives its reason"


def test_no_law_has_the_name_of_another_option() -> None:
    assert not {option.name for option in LAW_OPTIONS} & {option.name for option in SERVER_OPTIONS}


@pytest.mark.parametrize(
    "changed",
    [
        {"ladder_down": 0.6},
        {"credit_stop": 0.004},
        {"seat_cpu": 0.81},
        {"brake_cpu": 0.7},
        {"line_young": 40.0},
        {"poll_most": 1.0},
        {"poll_full": 31.0},
        {"ladder_hold": 700.0},
    ],
    ids=str,
)
def test_values_that_cannot_work_together_are_named(changed: dict[str, float]) -> None:
    found = list(dataclasses.replace(Laws(), **changed).contradictions())  # type: ignore[arg-type]
    assert len(found) == 1
    assert next(iter(changed)).replace("_", "-") in found[0]


@given(st.text(max_size=20) | st.floats().map(str))
def test_any_text_is_a_number_within_bounds_or_a_value_error(text: str) -> None:
    try:
        value = SECONDS.read(text)
    except ValueError as error:
        assert str(error) == "a number from 0.001 to 86400"
    else:
        assert 0.001 <= value <= 86_400


def test_whole_number_has_no_fraction() -> None:
    kind = number("N", 1, 10, whole=True)
    assert kind.read("7") == 7
    assert isinstance(kind.read("7"), int)
    with pytest.raises(ValueError, match="a whole number from 1 to 10"):
        kind.read("7.0")

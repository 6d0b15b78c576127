from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.gateway.iso_time import EARLIEST, LATEST, format_optional, format_time, parse_time


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "1970-01-01T00:00:00Z"),
        (1896112800.25, "2030-01-31T18:00:00.250Z"),
        (1896112799.9999, "2030-01-31T18:00:00Z"),
    ],
)
def test_time_is_written_in_utc(seconds: float, text: str) -> None:
    assert format_time(seconds) == text
    assert format_optional(seconds) == text


def test_no_time_stays_none() -> None:
    assert format_optional(None) is None


@settings(max_examples=200)
@given(st.integers(int(EARLIEST.timestamp() * 1000), int(LATEST.timestamp() * 1000) - 1))
def test_time_survives_writing_and_reading_to_the_millisecond(milliseconds: int) -> None:
    assert round(parse_time(format_time(milliseconds / 1000)) * 1000) == milliseconds


@settings(max_examples=200)
@given(st.text() | st.datetimes().map(lambda moment: moment.isoformat() + "Z"))
def test_any_text_is_a_time_of_this_age_or_a_value_error(text: str) -> None:
    try:
        seconds = parse_time(text)
    except ValueError:
        return
    assert EARLIEST.timestamp() <= seconds < LATEST.timestamp()

"""Refusals one by one: tests/integration/test_http_bad_input.py."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.gateway.event_body import EventBodyError, NewEvent, parse_new_event


def test_title_alone_is_enough() -> None:
    assert parse_new_event(b'{"title": "x"}') == NewEvent("x", None)
    assert parse_new_event(b'{"title": "x", "starts_at": null}') == NewEvent("x", None)


@pytest.mark.parametrize("title", ["x", "x" * 200, "\N{ARABIC LETTER ALEF}\u200f", "\N{THUMBS UP SIGN}"])
def test_every_kind_of_title_people_write_is_taken(title: str) -> None:
    assert parse_new_event(json.dumps({"title": f" {title} "}).encode()).title == title


@pytest.mark.parametrize(
    "text", ["2030-01-31T18:00:00Z", "2030-01-31T20:00:00+02:00", "2030-01-31T18:00Z", "20300131T180000Z"]
)
def test_start_is_the_same_moment_in_every_zone(text: str) -> None:
    assert parse_new_event(json.dumps({"title": "x", "starts_at": text}).encode()).starts_at == 1896112800.0


@settings(max_examples=200)
@given(
    st.one_of(
        st.binary(),
        st.fixed_dictionaries({"title": st.text()}, optional={"starts_at": st.text() | st.none()}).map(
            lambda fields: json.dumps(fields).encode()
        ),
        st.datetimes().map(
            lambda moment: json.dumps({"title": "x", "starts_at": moment.isoformat()}).encode()
        ),
    )
)
def test_any_body_raises_nothing_but_its_own_error(body: bytes) -> None:
    with contextlib.suppress(EventBodyError):
        event = parse_new_event(body)
        assert 1 <= len(event.title) <= 200

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.config import read_redis
from stentor.core.store_url import SentinelUrl, parse_sentinel_url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("redis+sentinel://a/main", SentinelUrl((("a", 26379),), "main", 0, None, None)),
        (
            "redis+sentinel://a:1,10.0.0.2:2,[::1]:3/main/7",
            SentinelUrl((("a", 1), ("10.0.0.2", 2), ("::1", 3)), "main", 7, None, None),
        ),
        (
            "redis+sentinel://user:p%40ss@a:1/main",
            SentinelUrl((("a", 1),), "main", 0, "user", "p@ss"),
        ),
        ("redis+sentinel://:secret@a/main", SentinelUrl((("a", 26379),), "main", 0, None, "secret")),
    ],
)
def test_sentinel_url_is_read(text: str, url: SentinelUrl) -> None:
    assert parse_sentinel_url(text) == url
    assert read_redis(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "redis+sentinel://a:1",
        "redis+sentinel:///main",
        "redis+sentinel://a:1,/main",
        "redis+sentinel://a:0/main",
        "redis+sentinel://a:65536/main",
        "redis+sentinel://a/main/x",
        "redis+sentinel://a/main?password=x",
        "redis+sentinel://a b/main",
        "redis+sentinel:a/main",
    ],
)
def test_other_forms_are_refused_with_the_right_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"redis\+sentinel://HOST:PORT,HOST:PORT/NAME"):
        read_redis(text)


@given(st.text(max_size=80) | st.text(max_size=60).map(lambda text: "redis+sentinel://" + text))
@settings(max_examples=200)
def test_any_text_raises_nothing_but_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        parse_sentinel_url(text)

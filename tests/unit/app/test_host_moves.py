"""What a host reads of the status body, and where it finds it."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.app.host_moves import shards_to_leave, status_url
from stentor.app.http_client import ClientError


def test_every_move_of_the_body_counts_whatever_its_share_and_seed() -> None:
    moves = [
        {"shard": 7, "fraction": 1.0, "seed": "a", "deadline": "2026-01-01T00:00:00Z"},
        {"shard": 9, "fraction": 0.1, "seed": "b", "deadline": "2026-01-01T00:00:00Z", "since": "x"},
    ]
    assert shards_to_leave(json.dumps({"now": "x", "moves": moves}).encode()) == {7, 9}


def test_no_moves_is_nobody() -> None:
    assert shards_to_leave(b'{"moves": []}') == shards_to_leave(b"{}") == frozenset()


@pytest.mark.parametrize("body", [b"", b"[]", b'{"moves": 1}', b'{"moves": [{"shard": "7"}]}', b"[" * 5000])
def test_anything_else_is_an_error(body: bytes) -> None:
    with pytest.raises(ClientError):
        shards_to_leave(body)


@settings(max_examples=200)
@given(st.binary(max_size=200) | st.from_regex(rb'\{"moves":\s*\[.{0,60}\]\}', fullmatch=True))
def test_no_bytes_give_any_other_error(body: bytes) -> None:
    with contextlib.suppress(ClientError):
        shards_to_leave(body)


@pytest.mark.parametrize(
    ("whip", "status"),
    [
        ("http://host:8080/whip/abc", "http://host:8080/api/events/abc/status"),
        ("https://host/whip/abc/?x=1#y", "https://host/api/events/abc/status"),
        ("https://host/audio/whip/abc", "https://host/audio/api/events/abc/status"),
        ("https://host/whip/abc/def", None),
        ("https://host/publish/abc", None),
        ("https://host/whip/", None),
    ],
)
def test_status_lies_beside_the_endpoint(whip: str, status: str | None) -> None:
    assert status_url(whip) == status

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor_loadtest.errors import WireError
from stentor_loadtest.swarm.moves import Move, goes_after, parse_moves

MOVE = {"shard": 7, "fraction": 0.25, "seed": "a-seed", "deadline": "2026-01-01T12:00:30Z"}
BODY = {"now": "2026-01-01T12:00:00Z", "moves": [MOVE]}


def goes(move: Move, token: str) -> bool:
    return goes_after(move, token) is not None


def test_deadline_counts_from_the_servers_own_time() -> None:
    assert parse_moves(json.dumps(BODY).encode()) == [Move(7, 0.25, "a-seed", 30.0)]
    numbers = {"now": 100, "moves": [{**MOVE, "deadline": 90.5}]}
    assert parse_moves(json.dumps(numbers).encode())[0].remaining == 0.0


def test_no_moves_is_the_usual_case() -> None:
    assert parse_moves(b'{"now": "2026-01-01T12:00:00Z"}') == []
    assert parse_moves(b'{"now": "2026-01-01T12:00:00Z", "moves": []}') == []


def test_the_rule_is_the_one_that_every_client_has() -> None:
    share = 0x600B4FCAA8DB5A1C / 2**64  # `printf seedtoken | sha256sum`
    assert goes(Move(1, share + 1e-9, "seed", 0.0), "token")
    assert not goes(Move(1, share, "seed", 0.0), "token")


def test_nobody_goes_at_zero_everybody_at_one_and_a_share_between() -> None:
    tokens = [f"token-{number}" for number in range(4000)]
    assert not any(goes(Move(1, 0.0, "s", 0.0), token) for token in tokens)
    assert all(goes(Move(1, 1.0, "s", 0.0), token) for token in tokens)
    assert sum(goes(Move(1, 0.25, "s", 0.0), token) for token in tokens) == pytest.approx(1000, rel=0.1)


def test_those_who_go_are_spread_over_the_first_four_fifths_of_the_time() -> None:
    times = [goes_after(Move(1, 1.0, "s", 100.0), f"token-{number}") or -1 for number in range(1000)]
    assert 0.2 <= min(times) < 5
    assert 75 < max(times) < 80
    assert sum(times) / len(times) == pytest.approx(40, rel=0.1)


def test_another_seed_asks_others() -> None:
    tokens = [f"token-{number}" for number in range(1000)]
    first, second = (
        {token for token in tokens if goes(Move(1, 0.5, seed, 0.0), token)} for seed in ("one", "two")
    )
    assert 150 < len(first & second) < 350


@given(st.binary(max_size=200))
@settings(max_examples=200)
def test_any_bytes_are_moves_or_a_wire_error(body: bytes) -> None:
    with suppress(WireError):
        parse_moves(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
)


@given(
    st.fixed_dictionaries(
        {"now": JSON, "moves": JSON | st.lists(st.fixed_dictionaries(dict.fromkeys(MOVE, JSON)), max_size=2)}
    )
)
@settings(max_examples=200)
def test_any_json_is_moves_or_a_wire_error(document: object) -> None:
    with suppress(WireError):
        parse_moves(json.dumps(document).encode())

from __future__ import annotations

import json
from pathlib import Path

from chaos.pages import read_diary
from chaos.table import write_tables
from chaos.verdict import (
    Record,
    at_least,
    at_most,
    gap_around,
    longest_since,
    on_shard,
    packets_lost,
    shard_at,
    share_back,
    silent_shards,
    told,
    torn_since,
)

KILLED = 100.0


def listener(
    number: int, shard: int, *silences: tuple[float, float | None], then: int | None = None
) -> Record:
    sessions = [{"shard": shard, "begin": 10.0, "end": None, "heard_after_ms": 100.0}]
    if then is not None:
        sessions.append({"shard": then, "begin": KILLED + 2, "end": None, "heard_after_ms": 50.0})
    return {
        "listener": number,
        "packets": 1000,
        "lost": 2,
        "late": 3,
        "longest_gap_ms": 20.5,
        "gaps": len(silences),
        "lost_ms": 12.0,
        "silences": [list(silence) for silence in silences],
        "sessions": sessions,
        "changes": [{"why": "silence", "begin": KILLED, "heard": KILLED + 2, "attempts": 1}] if then else [],
    }


CROWD = [
    listener(0, 7, (100.01, 102.5), then=8),
    listener(1, 7, (100.0, 107.0), then=9),
    listener(2, 7, (99.98, None)),
    listener(3, 8),
    listener(4, 8, (50.0, 50.2)),
    listener(5, 9, (100.02, 100.2)),
    listener(6, 9),
]


def test_the_shard_that_died_is_the_one_whose_every_listener_fell_silent() -> None:
    assert silent_shards(CROWD, KILLED) == {7}
    assert [record["listener"] for record in on_shard(CROWD, 7, KILLED)] == [0, 1, 2]


def test_a_listener_belongs_to_the_shard_it_heard_at_that_time() -> None:
    assert [shard_at(CROWD[0], when) for when in (5.0, 50.0, 102.01, 103.0)] == [None, 7, 7, 8]


def test_share_of_those_who_are_back_in_time() -> None:
    victims = on_shard(CROWD, 7, KILLED)
    assert [share_back(victims, KILLED, seconds) for seconds in (1.0, 5.0, 15.0)] == [0.0, 1 / 3, 2 / 3]
    assert gap_around(CROWD[2], KILLED) == float("inf")
    assert share_back([], KILLED, 5.0) == 0.0


def test_only_silences_that_began_later_count() -> None:
    assert round(longest_since([CROWD[3], CROWD[4]], 40.0)) == 200
    assert longest_since([CROWD[3], CROWD[4]], KILLED) == 0
    assert longest_since([CROWD[2]], 99.0) == float("inf")


def test_audio_is_torn_where_a_session_ends_or_begins_and_paused_elsewhere() -> None:
    moved = listener(9, 7, (KILLED + 1.95, KILLED + 2.05), (KILLED + 5, KILLED + 5.1), then=8)
    assert round(torn_since(moved, KILLED)) == 100
    assert torn_since(CROWD[4], 40.0) == 0


def test_a_pause_that_the_calm_ones_had_too_is_not_torn_audio() -> None:
    moved = listener(9, 7, (KILLED + 1.95, KILLED + 2.05), then=8)
    paused, other = listener(1, 8, (KILLED + 2.0, KILLED + 2.1)), listener(2, 8)
    assert torn_since(moved, KILLED, [paused, other]) == 0
    assert round(torn_since(moved, KILLED, [paused, other, other])) == 100


def test_packets_lost_are_those_of_the_unluckiest() -> None:
    assert packets_lost(CROWD) == 2
    assert packets_lost([]) == 0


def test_tables_tell_what_was_reached_and_what_every_listener_heard(tmp_path: Path) -> None:
    figures = [at_least("back, %", 90, 95), at_most("lost, ms", 0, 0), told("killed", "relay1")]
    page = write_tables("relay_kill", "A sentence.", figures, CROWD, tmp_path).read_text()
    assert "| back, % | 90 | at least 95 | MISSED |" in page
    assert "| lost, ms | 0 | at most 0 | ok |" in page
    assert "| killed | relay1 |  |  |" in page
    assert "| 0 | 7, 8 | 1000 | 2 | 3 | 20.5 | 1 | 12 | silence 2.0 s, 1 attempts |" in page
    document = json.loads((tmp_path / "relay_kill.json").read_text())
    assert (document["passed"], len(document["listeners"])) == (False, len(CROWD))


def test_a_pages_diary_gives_its_states_and_its_longest_silence() -> None:
    diary = [
        [0.0, "live", 5],
        [0.1, "live", 10],
        [0.2, "recovering", None],
        [1.3, "live", 2],
        [1.4, "live", 2],
    ]
    states, longest = read_diary(diary)
    assert states == ("live", "recovering", "live")
    assert round(longest, 3) == 1.2

"""Who was hit by a failure, who was not, and how it was for them: from every listener's record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Record = dict[str, Any]

PAUSE_MS = 200.0  # the longest pause that somebody who is not concerned may hear, packets only late
EDGE = 0.1  # seconds: how closely the end of a session and a silence belong together
DEAD = 1.0  # seconds: no pause of a busy machine is as long
BEARABLE_MS = 60.0  # of lost audio: the figure for moves


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of a scenario's table."""

    name: str
    value: float | str
    limit: str
    """In words; empty when it is only told."""
    passed: bool = True


def shard_at(record: Record, when: float) -> int | None:
    """The shard that served a listener at this wall-clock time."""
    served = None
    for session in record["sessions"]:
        heard = session["heard_after_ms"]
        if heard is not None and session["begin"] + heard / 1000 <= when:
            served = session["shard"]
    return served


def on_shard(records: Iterable[Record], shard: int | None, when: float) -> list[Record]:
    """Who listened to this shard then."""
    return [record for record in records if shard_at(record, when) == shard]


def silent_shards(records: Sequence[Record], when: float) -> set[int | None]:
    """Shards whose every listener fell silent for a second or more around this time: they died then."""
    all_of = Counter(shard_at(record, when) for record in records)
    hit = Counter(shard_at(record, when) for record in records if (gap_around(record, when) or 0.0) >= DEAD)
    return {shard for shard, count in all_of.items() if hit[shard] == count}


def gap_around(record: Record, when: float, within: float = 1.0) -> float | None:
    """Seconds of the silence that began then; None without one, infinite when it never ended."""
    for begin, end in record["silences"]:
        if when - within <= begin <= when + within:
            return float("inf") if end is None else float(end) - float(begin)
    return None


def share_back(records: Sequence[Record], when: float, seconds: float) -> float:
    """Share (0 to 1) of listeners whose silence of that time lasted no longer than this."""
    gaps = [gap_around(record, when) or 0.0 for record in records]
    return sum(gap <= seconds for gap in gaps) / len(gaps) if gaps else 0.0


def longest_since(records: Iterable[Record], when: float) -> float:
    """Milliseconds of the longest silence of any of them that began later; infinite when it goes on."""
    return max((1000 * seconds for record in records for _, seconds in _silences(record, when)), default=0.0)


def torn_since(record: Record, when: float, calm: Sequence[Record] = ()) -> float:
    """Milliseconds of audio lost because a session ended, or another began, too early or too late.

    A silence within one session is a pause: its packets came afterwards, or are counted as lost. So is one
    that half of the `calm` listeners, whose sessions never changed, had at the same time.
    """
    edges = [session["end"] for session in record["sessions"] if session["end"] is not None]
    edges += [
        session["begin"] + session["heard_after_ms"] / 1000
        for session in record["sessions"]
        if session["heard_after_ms"] is not None
    ]
    return sum(
        1000 * seconds
        for begin, seconds in _silences(record, when)
        if any(begin - EDGE <= edge <= begin + seconds + EDGE for edge in edges)
        and not _is_common(begin, begin + seconds, calm)
    )


def _is_common(begin: float, end: float, calm: Sequence[Record]) -> bool:
    """Whether half of these were silent at some time in between."""
    shared = sum(
        any(start < end and begin < start + seconds for start, seconds in _silences(record, 0.0))
        for record in calm
    )
    return bool(calm) and 2 * shared >= len(calm)


def packets_lost(records: Iterable[Record]) -> int:
    """The most that any of them lost, by sequence numbers."""
    return max((int(record["lost"]) for record in records), default=0)


def _silences(record: Record, when: float) -> Iterable[tuple[float, float]]:
    """Begin and seconds of those that began after this time."""
    for begin, end in record["silences"]:
        if begin >= when:
            yield begin, float("inf") if end is None else end - begin


def at_most(name: str, value: float, limit: float, unit: str = "") -> Figure:
    """A figure that must not be larger."""
    return Figure(name, value, f"at most {limit:g}{unit}", value <= limit)


def at_least(name: str, value: float, limit: float, unit: str = "") -> Figure:
    """A figure that must not be smaller."""
    return Figure(name, value, f"at least {limit:g}{unit}", value >= limit)


def told(name: str, value: float | str) -> Figure:
    """A figure without a limit."""
    return Figure(name, value, "")

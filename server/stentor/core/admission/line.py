"""The line: two thresholds that only rise, and who they call.

A place in line is the ticket's arrival time. Who came before the start is ordered by a lottery instead.
`Serving` is the pair: first the share of the lottery, then, when all of it is called, the arrival time.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Sequence
from dataclasses import dataclass

from stentor.core.admission.arrivals import Arrivals
from stentor.core.admission.ticket import Ticket

WHOLE = 2**32  # the lottery's share is a number from 0 to this: exact in every language

_DUST = 1e-6  # people: of adding up buckets
_DRAW_LABEL = b"stentor lottery\0"
_MIX_LABEL = b"stentor beacon\0"


@dataclass(frozen=True, slots=True)
class Lottery:
    """Order of those who came before the start."""

    t0_ms: int
    """The start: an arrival before it takes part."""
    seed: bytes
    """32 bytes; their hash is published at the start, they themselves after."""


@dataclass(frozen=True, slots=True)
class Serving:
    """Who is called."""

    share: int = 0
    """Of the lottery, 0 to `WHOLE`: who drew less is called."""
    arrival_ms: int = 0
    """Who came at this moment or before is called; beyond the start only once the whole lottery is."""

    def risen(self, other: Serving) -> Serving:
        """The higher of both, each threshold for itself: what was called once stays called."""
        return Serving(max(self.share, other.share), max(self.arrival_ms, other.arrival_ms))


NOBODY = Serving()


def draw(seed: bytes, ticket_id: bytes) -> int:
    """The ticket's number in the lottery, 0 to `WHOLE - 1`: HMAC-SHA256 of its id under the seed."""
    return int.from_bytes(hmac.digest(seed, _DRAW_LABEL + ticket_id, "sha256")[:4], "big")


# `mixed` and `commitment` are what a draw will publish; no host can ask for one yet (`LineLeader.draw_lots`).
def mixed(seed: bytes, beacon: bytes) -> bytes:
    """The seed with a public randomness beacon in it, so that the operator alone cannot choose."""
    return hmac.digest(seed, _MIX_LABEL + beacon, "sha256")


def commitment(seed: bytes, count: int) -> str:
    """SHA-256, in hex, of the seed and of how many take part (8 bytes): published before the seed is."""
    return hashlib.sha256(seed + count.to_bytes(8, "big")).hexdigest()


def is_called(ticket: Ticket, serving: Serving, lottery: Lottery | None = None) -> bool:
    """Whether the holder may come. Event and epoch of the ticket are the caller's question.

    Without a lottery everybody goes by arrival time; so does, with one, who was called before it was drawn.
    """
    if ticket.arrival_ms <= serving.arrival_ms:
        return True
    if lottery is None or ticket.arrival_ms >= lottery.t0_ms:
        return False
    return draw(lottery.seed, ticket.ticket_id) < serving.share


@dataclass(frozen=True, slots=True)
class Release:
    """One step of the thresholds, for the status body and to tell cohorts apart."""

    number: int
    """Counts up from 1 within the epoch."""
    at: float
    """When, in seconds of the leader's clock."""
    people: int
    """About how many it called."""
    serving: Serving
    """The thresholds after it."""


def release_of(ticket: Ticket, releases: Sequence[Release], lottery: Lottery | None = None) -> int | None:
    """The number of the first of these releases (oldest first) that called the ticket; None: not called.

    Who was called before the first of them counts as called by it: too old to tell anything by then.
    """
    for release in releases:
        if is_called(ticket, release.serving, lottery):
            return release.number
    return None


def entrants(arrivals: Arrivals, lottery: Lottery, serving: Serving) -> float:
    """About how many take part in the lottery: came before the start, and were not called by arrival."""
    before = lottery.t0_ms - 1
    return arrivals.until(before) - arrivals.until(min(serving.arrival_ms, before))


class Line:
    """The leader's side: raises the thresholds by so many people."""

    def __init__(self, *, serving: Serving = NOBODY, number: int = 0) -> None:
        """`serving` and `number`: the highest that anybody has seen, after a change of leader."""
        self._serving = serving
        self._number = number

    @property
    def serving(self) -> Serving:
        """The thresholds now."""
        return self._serving

    def learn(self, serving: Serving) -> None:
        """Somebody has seen these thresholds (a leader before us): never fall behind them."""
        self._serving = self._serving.risen(serving)

    def waiting(self, arrivals: Arrivals, lottery: Lottery | None = None) -> int:
        """About how many tickets are not called yet."""
        serving = self._serving
        if lottery is None:
            return _people(arrivals.total - arrivals.until(serving.arrival_ms))
        drawn = entrants(arrivals, lottery, serving) * (WHOLE - serving.share) / WHOLE
        later = arrivals.total - arrivals.until(max(serving.arrival_ms, lottery.t0_ms - 1))
        return _people(drawn + later)

    def release(
        self, people: int, arrivals: Arrivals, *, now: float, now_ms: int, lottery: Lottery | None = None
    ) -> Release | None:
        """Call about `people` more; None when nothing moved. `now_ms` bounds the threshold."""
        before, after = self._serving, self._serving
        left = float(max(0, people))
        if lottery is not None and left > 0 and before.share < WHOLE:
            after, left = _raise_share(before, left, arrivals, lottery)
        if left > 0 and (lottery is None or after.share >= WHOLE):
            after, left = _raise_arrival(after, left, arrivals, now_ms, lottery)
        if after == before:
            return None
        self._number += 1
        self._serving = after
        return Release(self._number, now, max(1, round(people - left)), after)


def _people(count: float) -> int:
    """Upwards: buckets are counted as if people came evenly, and half a person is somebody."""
    return math.ceil(count - _DUST)


def _raise_share(
    serving: Serving, people: float, arrivals: Arrivals, lottery: Lottery
) -> tuple[Serving, float]:
    """The share that calls `people` more, and how many of them the lottery did not have."""
    taking_part = entrants(arrivals, lottery, serving)
    if taking_part <= 0:
        return Serving(WHOLE, serving.arrival_ms), people
    share = min(WHOLE, serving.share + max(1, round(people / taking_part * WHOLE)))
    called = (share - serving.share) / WHOLE * taking_part
    # The last of the lottery and the first after it may be called in one go.
    return Serving(share, serving.arrival_ms), max(0.0, people - called) if share == WHOLE else 0.0


def _raise_arrival(
    serving: Serving, people: float, arrivals: Arrivals, now_ms: int, lottery: Lottery | None
) -> tuple[Serving, float]:
    """The arrival time that calls `people` more, and how many there were not."""
    start = serving.arrival_ms if lottery is None else max(serving.arrival_ms, lottery.t0_ms - 1)
    before = arrivals.until(start)
    if arrivals.total - before <= 0:
        return serving, people
    moment = max(arrivals.moment(before + people, latest_ms=now_ms), serving.arrival_ms)
    return Serving(serving.share, moment), max(0.0, people - (arrivals.until(moment) - before))

"""Everybody who waits, in the order in which they will be called: one number each, so that a million fit."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from stentor.core.admission.line import Lottery, Serving, draw

_BITS = 32  # of a person's number, below their arrival in ms


def ticket_id(number: int) -> bytes:
    """Of the person with that number."""
    return number.to_bytes(8, "big")


class Waiting:
    """Who came before the lottery's start goes by it, everybody else by arrival."""

    def __init__(self, lottery: Lottery | None = None) -> None:
        self._lottery = lottery
        self._heap: list[int] = []
        self._drawn: list[tuple[int, int, int]] | None = (
            None  # (draw, arrival, number), the last to be called first
        )

    def __len__(self) -> int:
        """How many are not called yet."""
        return len(self._heap) + len(self._drawn or ())

    def add(self, arrival_ms: int, number: int) -> None:
        """One more, at the place that their arrival gives them."""
        heapq.heappush(self._heap, arrival_ms << _BITS | number)

    def called(self, serving: Serving) -> Iterator[tuple[int, int]]:
        """(arrival in ms, number) of those whom these thresholds call and earlier ones did not."""
        lottery = self._lottery
        if lottery is not None and serving.share > 0:
            drawn = self._order(lottery)
            while drawn and drawn[-1][0] < serving.share:
                yield drawn.pop()[1:]
        while self._heap and self._heap[0] >> _BITS <= serving.arrival_ms:
            yield _split(heapq.heappop(self._heap))

    def _order(self, lottery: Lottery) -> list[tuple[int, int, int]]:
        """Draw once, at the first call by lottery."""
        if self._drawn is None:
            self._drawn = []
            while self._heap and self._heap[0] >> _BITS < lottery.t0_ms:
                arrival, number = _split(heapq.heappop(self._heap))
                self._drawn.append((draw(lottery.seed, ticket_id(number)), arrival, number))
            self._drawn.sort(reverse=True)
        return self._drawn


def _split(both: int) -> tuple[int, int]:
    return both >> _BITS, both & (1 << _BITS) - 1

"""Everybody who waits, in the order in which they will be called: two numbers each, so that a million fit."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from stentor.core.admission.line import Lottery, Serving, draw


def ticket_id(number: int) -> bytes:
    """Of the person with that number."""
    return number.to_bytes(8, "big")


class Waiting:
    """Arrivals are added in order of time. Who came before the lottery's start goes by it."""

    def __init__(self, lottery: Lottery | None = None) -> None:
        self._lottery = lottery
        self._times, self._numbers, self._next = array("q"), array("Q"), 0
        self._drawn: list[tuple[int, int, int]] | None = (
            None  # (draw, arrival, number), the last to be called first
        )

    def __len__(self) -> int:
        """How many are not called yet."""
        return len(self._times) - self._next + len(self._drawn or ())

    def add(self, arrival_ms: int, number: int) -> None:
        """One more at the end."""
        self._times.append(arrival_ms)
        self._numbers.append(number)

    def called(self, serving: Serving) -> Iterator[tuple[int, int]]:
        """(arrival in ms, number) of those whom these thresholds call and earlier ones did not."""
        lottery = self._lottery
        if lottery is not None and serving.share > 0:
            drawn = self._order(lottery)
            while drawn and drawn[-1][0] < serving.share:
                yield drawn.pop()[1:]
        while self._next < len(self._times) and self._times[self._next] <= serving.arrival_ms:
            self._next += 1
            yield self._times[self._next - 1], self._numbers[self._next - 1]

    def _order(self, lottery: Lottery) -> list[tuple[int, int, int]]:
        """Draw once, at the first call by lottery."""
        if self._drawn is None:
            self._drawn = []
            while self._next < len(self._times) and self._times[self._next] < lottery.t0_ms:
                arrival, number = self._times[self._next], self._numbers[self._next]
                self._drawn.append((draw(lottery.seed, ticket_id(number)), arrival, number))
                self._next += 1
            self._drawn.sort(reverse=True)
        return self._drawn

"""Turns running totals into what one window took: media, joins, lateness."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from stentor.core.admission.lateness import histogram_quantile, worst_p90
from stentor.net.media_load import MediaLoad

IDLE_SETTLING = 10.0  # seconds in which what an idle process takes is learnt to 63 %
IDLE_MOST = 0.1  # of a core: more is a gateway's work in this process, which is no shard's
SIGNALLING = 2.0  # most that a join takes, in handshakes: beyond it the CPU is spent on other people
AT_LEAST = 1e-3  # seconds; a shorter window says nothing


@dataclass(frozen=True, slots=True)
class Window:
    """What happened between two looks."""

    seconds: float
    """Its length."""
    media_cpu: float
    """CPU seconds of the media thread."""
    join_cpu: float
    """CPU seconds that joins took, signalling in this process included."""
    cpu: float
    """CPU seconds of both, and of what the process takes when nobody joins."""
    packets: int
    """Sent to listeners."""
    attempts: int
    """Handshakes that ended, well or not."""
    lateness: float
    """d: p90 in seconds, the larger of the loop's lag and of the packets' lateness."""


class LoadMeter:
    """Of one shard; `take` at the end of each window."""

    def __init__(
        self, read: Callable[[], MediaLoad], process_cpu: Callable[[], float], *, now: float
    ) -> None:
        """`read`: totals of the media side; `process_cpu`: CPU seconds of the whole process."""
        self._read = read
        self._process_cpu = process_cpu
        self._media = read()
        self._process = process_cpu()
        self.taken_at = now
        """When the window began that is not over."""
        self._lags: list[float] = []
        self._attempts = 0
        self._idle = 0.0  # CPU seconds a second of this process beside media, while nobody joins

    def note_lag(self, seconds: float) -> None:
        """A timer of the event loop was so late."""
        self._lags.append(max(0.0, seconds))

    def note_attempt(self) -> None:
        """A handshake has ended, well or not."""
        self._attempts += 1

    def take(self, now: float, *, joining: bool) -> Window:
        """What happened since the last call. `joining`: whether handshakes are under way now."""
        before, self._media = self._media, self._read()
        process, self._process = self._process, self._process_cpu()
        seconds, self.taken_at = max(AT_LEAST, now - self.taken_at), now
        lags, self._lags = self._lags, []
        attempts, self._attempts = self._attempts, 0
        media = max(0.0, self._media.cpu - before.cpu)
        beside = max(0.0, self._process - process - media)
        joins = self._join_cpu(beside, before, seconds, quiet=not attempts and not joining)
        late = Counter(self._media.lateness)
        late.subtract(before.lateness)
        return Window(
            seconds=seconds,
            media_cpu=media,
            join_cpu=joins,
            cpu=media + joins + min(beside, self._idle * seconds),
            packets=self._media.packets - before.packets,
            attempts=attempts,
            lateness=worst_p90(lags, histogram_quantile(late.items())),
        )

    def _join_cpu(self, beside: float, before: MediaLoad, seconds: float, *, quiet: bool) -> float:
        """What is beside media less what is always there; bounded by what the handshakes themselves took.

        The bound matters where a gateway shares the process: people it sends away cost a join nothing.
        """
        most = 0.0 if quiet else math.inf
        if self._media.joining is not None and before.joining is not None:
            most = SIGNALLING * (self._media.joining - before.joining)
        joins = min(max(0.0, beside - self._idle * seconds), most)
        if quiet:
            weight = 1.0 - math.exp(-seconds / IDLE_SETTLING)
            self._idle += weight * (min(beside / seconds, IDLE_MOST) - self._idle)
        return joins

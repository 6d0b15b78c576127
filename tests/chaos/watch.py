"""Looking at something again and again while a scenario goes on."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, TypeVar

from chaos.cluster import ask

T = TypeVar("T")
TENTH = 0.1  # seconds between two looks


class Watch(Generic[T]):
    """For the time of a `with`: `rows` of wall-clock time and what was seen, without looks that failed."""

    def __init__(self, look: Callable[[], T | None], *, every: float = TENTH) -> None:
        self.rows: list[tuple[float, T]] = []
        self._look = look
        self._every = every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> Watch[T]:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(10)

    def first_after(self, when: float, holds: Callable[[T], bool]) -> float:
        """Seconds from `when` to the first look at which it held; infinite when it never did."""
        return next((at - when for at, seen in self.rows if at >= when and holds(seen)), float("inf"))

    def seen(self, since: float = 0.0, until: float = float("inf")) -> list[T]:
        """What was seen between two moments."""
        return [seen for at, seen in self.rows if since <= at <= until]

    def _run(self) -> None:
        due = time.monotonic()
        while not self._over.wait(max(0.0, due - time.monotonic())):
            due = max(due + self._every, time.monotonic())
            at, seen = time.time(), self._look()
            if seen is not None:
                self.rows.append((at, seen))


def metrics_of(base: str) -> dict[str, float] | None:
    """All samples of a process by name and labels, and their sums by name alone; None without an answer."""
    text = ask(f"{base}/metrics")
    if text is None:
        return None
    found: dict[str, float] = {}
    for line in text.decode().splitlines():
        sample, _, value = line.rpartition(" ")
        if not line.startswith("#") and sample:
            name, labelled, _ = sample.partition("{")
            found[sample] = float(value)
            if labelled:
                found[name] = found.get(name, 0.0) + float(value)
    return found


def cluster_of(base: str) -> dict[str, Any] | None:
    """`GET /api/cluster` of a gateway."""
    text = ask(f"{base}/api/cluster")
    return None if text is None else dict(json.loads(text))

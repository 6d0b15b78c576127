"""Who listens to what, as the heartbeats of all shards tell it."""

from __future__ import annotations

from dataclasses import dataclass, field

from stentor.core.links import EventRow, HostState
from stentor.gateway.shard_quota import GONE_AFTER, STALE_AFTER


@dataclass(slots=True)
class _Heard:
    """What one shard said of one page of its events, and when."""

    at: float
    rows: dict[bytes, EventRow] = field(default_factory=dict)


class EventTable:
    """`now` is this gateway's monotonic clock in seconds. What is long past goes by itself."""

    def __init__(self) -> None:
        self._pages: dict[int, dict[int, _Heard]] = {}  # shard -> part -> what it said
        self._hosts: dict[bytes, tuple[int, HostState, float]] = {}  # event -> epoch, state, when
        self._swept_at = 0.0

    def on_rows(
        self, shard: int, rows: tuple[EventRow, ...], now: float, *, part: int = 0, parts: int | None = None
    ) -> None:
        """One page of a shard's heartbeat; `parts`, which the first page knows, ends those beyond."""
        pages = self._pages.setdefault(shard, {})
        pages[part] = _Heard(now, {row.event: row for row in rows})
        if parts is not None:
            for beyond in [number for number in pages if number >= parts]:
                del pages[beyond]
        for row in rows:
            if row.host != "none":
                self._on_host(row, now)
        if now - self._swept_at >= STALE_AFTER:
            self._sweep(now)

    def on_removed(self, shard: int) -> None:
        """A shard has left."""
        self._pages.pop(shard, None)

    def listeners_of(self, event: bytes, now: float) -> int:
        """Connected on all shards that are heard."""
        return sum(
            page.rows[event].listeners
            for pages in self._pages.values()
            for page in pages.values()
            if now - page.at < STALE_AFTER and event in page.rows
        )

    def host_state(self, event: bytes, now: float) -> HostState:
        """What the stage of the highest epoch says; `away` for a while after a stage has fallen silent."""
        known = self._hosts.get(event)
        if known is None or now - known[2] >= GONE_AFTER:
            return "none"
        _, state, heard_at = known
        return state if now - heard_at < STALE_AFTER else "away"

    def leader_of(self, event: bytes, now: float) -> int | None:
        """The shard that leads the event as its stage: the one of the highest epoch among those heard."""
        led = [
            (page.rows[event].epoch, shard)
            for shard, pages in self._pages.items()
            for page in pages.values()
            if now - page.at < STALE_AFTER and event in page.rows and page.rows[event].epoch
        ]
        return max(led)[1] if led else None

    def _sweep(self, now: float) -> None:
        self._swept_at = now
        for shard, pages in list(self._pages.items()):
            if all(now - page.at >= GONE_AFTER for page in pages.values()):
                del self._pages[shard]
        for event in [event for event, known in self._hosts.items() if now - known[2] >= GONE_AFTER]:
            del self._hosts[event]

    def _on_host(self, row: EventRow, now: float) -> None:
        known = self._hosts.get(row.event)
        # A stage that was replaced is not believed while its successor is heard.
        if known is None or row.epoch >= known[0] or now - known[2] >= STALE_AFTER:
            self._hosts[row.event] = (row.epoch, row.host, now)

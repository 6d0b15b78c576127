"""What this gateway knows of the shards: their records from the directory, their state from heartbeats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stentor.core.links import Duty, Heartbeat, ShardRecord
from stentor.core.topology.placement import Candidate, Placement, TwoChoices

STALE_AFTER = 3.0  # seconds without a heartbeat (they come once a second): takes nobody new
GONE_AFTER = 15.0  # seconds: its sessions are not worth keeping either


@dataclass(slots=True)
class _Shard:
    record: ShardRecord
    heartbeat: Heartbeat | None = None
    heard_at: float = 0.0
    given: int = 0  # seats promised since that heartbeat

    def candidate(self, now: float) -> Candidate | None:
        beat = self.heartbeat
        if beat is None or beat.state != "ready" or now - self.heard_at >= STALE_AFTER:
            return None
        free = beat.seats_free - self.given
        return Candidate(self.record.shard, free, beat.listeners + self.given) if free > 0 else None


class ShardTable:
    """`now` is this gateway's monotonic clock in seconds."""

    def __init__(self, placement: Placement | None = None) -> None:
        """`placement` chooses among the shards with room; the default is `TwoChoices`."""
        self._placement: Placement = TwoChoices() if placement is None else placement
        self._shards: dict[int, _Shard] = {}

    def on_record(self, record: ShardRecord) -> None:
        """Take over what a shard has published. A new secret is a new life: the old heartbeat is void."""
        known = self._shards.get(record.shard)
        if known is None or known.record.secret != record.secret:
            self._shards[record.shard] = _Shard(record)
        else:
            known.record = record

    def on_removed(self, shard: int) -> None:
        """Forget a shard that has left the directory."""
        self._shards.pop(shard, None)

    def on_heartbeat(self, heartbeat: Heartbeat, now: float) -> None:
        """Take over a heartbeat; one of an unknown shard is ignored."""
        known = self._shards.get(heartbeat.shard)
        if known is not None:
            known.heartbeat, known.heard_at, known.given = heartbeat, now, 0

    def pick(self, duty: Duty, ticket_id: bytes, now: float) -> ShardRecord | None:
        """A shard with room for this ticket, one seat counted as given; None when there is none.

        Only a forecast: the shard owns its seats and has the last word.
        """
        chosen = self._placement.choose(list(self._candidates(duty, now)), ticket_id)
        if chosen is None:
            return None
        shard = self._shards[chosen]
        shard.given += 1
        return shard.record

    def has_room(self, duty: Duty, now: float) -> bool:
        """Whether `pick` would find one."""
        return any(True for _ in self._candidates(duty, now))

    def is_served(self, duty: Duty, now: float) -> bool:
        """Whether any shard of this duty is heard, full or not."""
        return any(
            shard.record.duty == duty and shard.heartbeat is not None and now - shard.heard_at < STALE_AFTER
            for shard in self._shards.values()
        )

    def record(self, shard: int, now: float) -> ShardRecord | None:
        """The record of a shard that is not gone."""
        return None if self.relay_time(shard, now) is None else self._shards[shard].record

    def relay_time(self, shard: int, now: float) -> float | None:
        """What the shard's own clock says now, from its last heartbeat; None when it is gone or unknown."""
        known = self._shards.get(shard)
        if known is None or known.heartbeat is None or now - known.heard_at >= GONE_AFTER:
            return None
        return known.heartbeat.relay_time + (now - known.heard_at)

    def _candidates(self, duty: Duty, now: float) -> Iterator[Candidate]:
        for shard in self._shards.values():
            candidate = shard.candidate(now) if shard.record.duty == duty else None
            if candidate is not None:
                yield candidate

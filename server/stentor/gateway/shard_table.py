"""What this gateway knows of the shards: their records from the directory, their state from heartbeats."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stentor.core.links import Duty, Heartbeat, ShardRecord
from stentor.core.topology.placement import Candidate, Placement, TwoChoices
from stentor.gateway.shard_quota import GONE_AFTER, STALE_AFTER, ShardQuota
from stentor.gateway.shard_totals import ShardTotals, add_up

SUSPECT_AFTER = 1.4  # seconds: a heartbeat is late, which others are not; a page comes back after 1.5

__all__ = ["GONE_AFTER", "STALE_AFTER", "ShardTable"]


class ShardTable:
    """`now` is this gateway's monotonic clock in seconds."""

    def __init__(self, placement: Placement | None = None) -> None:
        """`placement` chooses among the shards with room; the default is `TwoChoices`."""
        self._placement: Placement = TwoChoices() if placement is None else placement
        self._shards: dict[int, ShardQuota] = {}

    def on_record(self, record: ShardRecord) -> None:
        """Take over what a shard has published. A new secret is a new life: the old heartbeat is void."""
        known = self._shards.get(record.shard)
        if known is None or known.record.secret != record.secret:
            self._shards[record.shard] = ShardQuota(record)
        else:
            known.record = record

    def on_removed(self, shard: int) -> None:
        """Forget a shard that has left the directory."""
        self._shards.pop(shard, None)

    def on_heartbeat(self, heartbeat: Heartbeat, now: float) -> None:
        """Take over a heartbeat; one of an unknown shard is ignored."""
        known = self._shards.get(heartbeat.shard)
        if known is not None:
            known.on_heartbeat(heartbeat, now)

    def pick(
        self, duty: Duty, ticket_id: bytes, now: float, *, returning: bool = False
    ) -> ShardRecord | None:
        """A shard with room for this ticket; a seat and a join credit are counted as spent. None: no room.

        `returning`: of somebody who had a seat, who may also have the seats that are kept for a shard's
        death, the credits that are kept for returning listeners, and a shard that is braking.
        Only a forecast: the shard owns its seats and has the last word.
        """
        candidates = dict(self._candidates(duty, now, returning))
        # Of a shard that has died its listeners come back before it is stale: not to the dead.
        sound = [one for one, heard_at in candidates.items() if now - heard_at < SUSPECT_AFTER]
        # All that take people, with room or without: a ticket that comes again and again reaches two of them.
        chosen = self._placement.choose(sound or list(candidates), ticket_id, returning=returning)
        if chosen is None or not any(one.shard == chosen and one.free for one in candidates):
            return None
        shard = self._shards[chosen]
        shard.spend(now)
        return shard.record

    def heartbeats(self, now: float) -> list[Heartbeat]:
        """The last one of every shard that is heard."""
        return [
            shard.heartbeat
            for shard in self._shards.values()
            if shard.heartbeat is not None and shard.is_heard(now)
        ]

    def ready(self, duty: Duty, now: float) -> list[ShardRecord]:
        """The records of the shards of this duty that are heard and take somebody."""
        return [
            shard.record
            for shard in self._shards.values()
            if shard.record.duty == duty and shard.seats_left(now, returning=False) > 0
        ]

    def has_room(self, duty: Duty, now: float, *, returning: bool = False) -> bool:
        """Whether a seat is free anywhere. Where all have spent their credits, `pick` still finds none."""
        return any(
            shard.seats_left(now, returning=returning) > 0
            for shard in self._shards.values()
            if shard.record.duty == duty
        )

    def is_served(self, duty: Duty, now: float) -> bool:
        """Whether any shard of this duty is heard, full or not."""
        return any(shard.record.duty == duty and shard.is_heard(now) for shard in self._shards.values())

    def record(self, shard: int, now: float) -> ShardRecord | None:
        """The record of a shard that is not gone."""
        return None if self.relay_time(shard, now) is None else self._shards[shard].record

    def published(self, shard: int) -> ShardRecord | None:
        """The record of a shard, heard or not."""
        known = self._shards.get(shard)
        return None if known is None else known.record

    def records(self, duties: Iterable[Duty] = ("relay", "ingest")) -> list[ShardRecord]:
        """The records of all shards of these duties, heard or not."""
        return [shard.record for shard in self._shards.values() if shard.record.duty in duties]

    def relay_time(self, shard: int, now: float) -> float | None:
        """What the shard's own clock says now, from its last heartbeat; None when it is gone or unknown."""
        known = self._shards.get(shard)
        return None if known is None else known.relay_time(now)

    def totals(self, now: float) -> ShardTotals:
        """What all relays together have and offer, and a row for each shard, for the status."""
        return add_up(self._shards.values(), now)

    def _candidates(self, duty: Duty, now: float, returning: bool) -> Iterator[tuple[Candidate, float]]:
        """Each with when it was heard last."""
        for shard in self._shards.values():
            candidate = shard.candidate(now, returning=returning) if shard.record.duty == duty else None
            if candidate is not None:
                yield candidate, shard.heard_at

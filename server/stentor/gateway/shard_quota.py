"""What one shard lets this gateway spend: seats since its last heartbeat, join credits as they come in."""

from __future__ import annotations

from collections import deque

from stentor.core.links import Heartbeat, ShardRecord
from stentor.core.topology.placement import Candidate

STALE_AFTER = 3.0  # seconds without a heartbeat (they come once a second): takes nobody new
GONE_AFTER = 15.0  # seconds: its sessions are not worth keeping either
ON_THE_WAY = 0.3  # seconds from an answer to the first contact at the shard, which counts it from then on
BURST = 1.0  # seconds of credits that may be spent at once: a heartbeat's worth
KEPT_SHARE = 0.2  # of the burst: whoever returns always finds these


class ShardQuota:
    """One shard as its record and its last heartbeat describe it, less what was spent since."""

    __slots__ = ("_credits", "_credits_at", "_given", "heard_at", "heartbeat", "record")

    def __init__(self, record: ShardRecord) -> None:
        self.record = record
        """What it has published."""
        self.heartbeat: Heartbeat | None = None
        """The last one."""
        self.heard_at = 0.0
        """When that came."""
        self._given: deque[float] = deque()  # when seats were promised of which that heartbeat knew nothing
        self._credits = 0.0
        self._credits_at = 0.0

    def on_heartbeat(self, beat: Heartbeat, now: float) -> None:
        """The shard counts again what is taken; the bucket of credits goes on at its new rate.

        One that was overtaken by a later one is ignored: capsules expire by the shard's time.
        """
        if self.heartbeat is not None and beat.relay_time < self.heartbeat.relay_time:
            return
        if self.heartbeat is None:
            self._credits, self._credits_at = _depth(beat), now
        else:
            self._credits = min(self._bucket(now), _depth(beat))
            self._credits_at = now
        self.heartbeat, self.heard_at = beat, now
        while self._given and now - self._given[0] >= ON_THE_WAY:
            self._given.popleft()

    def is_heard(self, now: float) -> bool:
        """Whether a heartbeat came lately."""
        return self.heartbeat is not None and now - self.heard_at < STALE_AFTER

    def relay_time(self, now: float) -> float | None:
        """The shard's own clock, or None when it is gone."""
        if self.heartbeat is None or now - self.heard_at >= GONE_AFTER:
            return None
        return self.heartbeat.relay_time + (now - self.heard_at)

    def seats_left(self, now: float, *, returning: bool) -> int:
        """Seats this gateway may still give away, 0 when the shard takes nobody."""
        beat = self.heartbeat
        if beat is None or not self.takes(now, returning=returning):
            return 0
        # Whoever returns may have any seat that is empty: it is for them that some are kept.
        free = max(beat.seats_free, beat.seats_total - beat.listeners) if returning else beat.seats_free
        return max(0, free - len(self._given))

    def takes(self, now: float, *, returning: bool) -> bool:
        """Whether it is heard and takes people of this kind, had it room."""
        states = ("ready", "braking") if returning else ("ready",)
        return self.heartbeat is not None and self.is_heard(now) and self.heartbeat.state in states

    def candidate(self, now: float, *, returning: bool) -> Candidate | None:
        """How placement sees it, with no free seat while it has no credit; None when it takes nobody."""
        beat = self.heartbeat
        if beat is None or not self.takes(now, returning=returning):
            return None
        free = self.seats_left(now, returning=returning) if self._has_credit(beat, now, returning) else 0
        return Candidate(self.record.shard, free, beat.listeners + len(self._given))

    def spend(self, now: float) -> None:
        """Somebody is sent there."""
        self._given.append(now)
        if self.heartbeat is not None and self.heartbeat.credits is not None:
            self._credits = self._bucket(now) - 1.0
            self._credits_at = now

    def _has_credit(self, beat: Heartbeat, now: float, returning: bool) -> bool:
        if beat.credits is None:
            return True
        # A rate so low that the kept share is all of the bucket still serves newcomers, one at a time.
        kept = 0.0 if returning else min(KEPT_SHARE * _depth(beat), _depth(beat) - 1.0)
        return self._bucket(now) >= 1.0 + kept - 1e-9  # floating-point dust of many refills

    def _bucket(self, now: float) -> float:
        beat = self.heartbeat
        if beat is None or beat.credits is None:
            return 0.0
        return min(self._credits + beat.credits * (now - self._credits_at), _depth(beat))


def _depth(beat: Heartbeat) -> float:
    """How many credits may come together: none where none come in, else at least one."""
    return max(1.0, BURST * beat.credits) if beat.credits else 0.0

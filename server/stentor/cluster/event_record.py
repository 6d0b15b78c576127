"""What the cluster remembers of one event."""

from __future__ import annotations

from typing import Literal

import msgspec

Phase = Literal["early", "live", "ended"]

PHASE_RANK: dict[Phase, int] = {"early": 0, "live": 1, "ended": 2}
"""A phase only moves forward; the store refuses a record that would take it back."""


class EventRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One event. Times are Unix seconds."""

    id: str
    """12 characters, see `core.ids`."""
    title: str
    """What people see, 1 to 200 characters."""
    starts_at: float | None
    """When it was announced to start, or None."""
    created_at: float
    """When the record was made."""
    host_key_hash: bytes
    """sha-256 of the host key. The key itself is never stored."""
    phase: Phase = "early"
    """`live` from the first time a host is heard, `ended` for good."""
    live_since: float | None = None
    """When it went live."""
    ended_at: float | None = None
    """When it ended."""
    epoch: int = 1
    """Fencing epoch of the event: a writer with an older one is refused."""

    def is_older_than(self, other: EventRecord) -> bool:
        """Whether `other` supersedes this record (same event)."""
        mine = (self.epoch, PHASE_RANK[self.phase])
        return mine < (other.epoch, PHASE_RANK[other.phase])

"""One person who wants to listen, and what became of that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stentor_loadtest.swarm.session import SwarmSession
from stentor_loadtest.swarm.signalling import NOBODY, Place


@dataclass(slots=True)
class Guest:
    """Times are wall-clock seconds."""

    number: int
    kind: str
    """What the scenario calls those who came with it."""
    came: float
    place: Place = NOBODY
    arrival: int | None = None
    """Its place in line in ms, once it is known to count there."""
    attempts: int = 0
    """POSTs for a seat."""
    errors: int = 0
    """Attempts that came to nothing, refusals with a Retry-After not counted."""
    tapped: float = 0.0
    """When the attempt began that got it in."""
    heard: float | None = None
    left: float | None = None
    session: SwarmSession | None = None

    def row(self) -> list[object]:
        """For the report: kind, came, tapped, heard, left, attempts, errors."""
        return [self.kind, self.came, self.tapped, self.heard, self.left, self.attempts, self.errors]

    def record(self) -> dict[str, Any]:
        """Of one who was seated, as `chaos.table` and `chaos.verdict` read it."""
        assert self.session is not None and self.heard is not None
        received = self.session.reception
        return {
            "listener": self.number,
            "kind": self.kind,
            "first_heard": self.heard,
            "last_heard": received.last_arrival,
            "packets": received.packets,
            "lost": received.lost,
            "late": received.late,
            "longest_gap_ms": round(1000 * received.longest_gap, 1),
            "gaps": "",
            "lost_ms": 0.0,
            "silences": [],
            "sessions": [
                {
                    "shard": self.session.shard,
                    "begin": self.tapped,
                    "end": self.left,
                    "heard_after_ms": round(1000 * (self.heard - self.tapped), 1),
                }
            ],
            "changes": [],
        }

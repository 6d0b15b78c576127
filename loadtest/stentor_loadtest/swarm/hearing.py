"""What one listener heard over all its sessions: two of them overlap while it moves to another shard."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gap:
    """A time between two packets that a listener's ear notices. Wall-clock seconds."""

    begin: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it was."""
        return self.end - self.begin


@dataclass(frozen=True, slots=True)
class Hearing:
    """Since the listener's first packet or since `mark`; times in seconds."""

    first_arrival: float
    """Wall-clock time; 0.0 before the first packet."""
    last_arrival: float
    longest_gap: float
    gaps: int
    """Times between two packets that were 60 ms longer than the packets themselves, or more."""
    lost: float
    """By how much they were longer, summed."""
    silences: tuple[Gap, ...]
    """The first 16 gaps."""

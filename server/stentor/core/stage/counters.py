"""What a program stream counts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class ProgramCounters:
    """Totals since the stream began; they only grow."""

    frames: int = 0
    """Host frames given out."""
    silence: int = 0
    """Silence frames given out."""
    lost: int = 0
    """Sequence numbers skipped: host frames that nobody hears. Those that came too late are among them."""
    late: int = 0
    """Host frames that came, but after their place had passed."""
    duplicates: int = 0
    """Copies of a frame we had: RED that was not needed, or a repeated datagram."""
    malformed: int = 0
    """Payloads that are no Opus packet."""
    restarts: int = 0
    """Times a host's timeline was tied to ours afresh: a source's first packet, its return, a clock jump."""

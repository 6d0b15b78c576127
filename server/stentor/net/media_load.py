"""What a fan-out's work costs, as running totals: whoever wants a rate keeps the reading before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class MediaLoad:
    """Totals since the start."""

    cpu: float = 0.0
    """CPU seconds of sending to listeners and of receiving from those who are seated."""
    packets: int = 0
    """RTP packets handed to the kernel for listeners."""
    lateness: Mapping[float, int] = field(default_factory=dict)
    """How many of them left how late: by the upper end of a range, in seconds."""
    joining: float | None = None
    """CPU seconds of handshakes and first contacts; None where they cannot be told apart."""

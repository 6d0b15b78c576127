"""When a shard speaks again."""

from __future__ import annotations

import pytest

from stentor.core.admission.beat_pace import INTERVAL, SOON, seconds_to_next
from stentor.core.links import Heartbeat


@pytest.mark.parametrize(
    ("free", "rate", "before", "seconds"),
    [
        (100, 200.0, 890, SOON),  # gone within half a second
        (200, 200.0, 890, INTERVAL),
        (100, 200.0, 900, INTERVAL),  # nobody comes
        (100, 200.0, 950, INTERVAL),  # they go
        (0, 200.0, 890, INTERVAL),  # nothing to give
        (100, None, 890, INTERVAL),  # no limit, so no rush either
    ],
)
def test_beats_come_soon_while_the_last_seats_are_taken(
    free: int, rate: float | None, before: int, seconds: float
) -> None:
    beat = Heartbeat(1, relay_time=5.0, state="ready", seats_free=free, listeners=900, credits=rate)
    assert seconds_to_next(beat, listeners_before=before) == seconds

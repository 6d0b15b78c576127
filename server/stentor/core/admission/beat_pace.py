"""How soon a shard speaks to its gateways again: each second, and more often while its last seats are taken.

A gateway cannot know which of those whom it sent just before a heartbeat are counted in it. It counts them
twice, lest a seat be sold twice, until the next one comes: near the end of a rush these are all that is left.
"""

from __future__ import annotations

from stentor.core.links import Heartbeat

INTERVAL = 1.0  # seconds; a gateway calls a shard stale after three
SOON = 0.25  # seconds; about as long as somebody who was sent needs to arrive


def seconds_to_next(beat: Heartbeat, *, listeners_before: int) -> float:
    """From this heartbeat to the one after it; `listeners_before`: of the one before.

    Soon when, at the rate it offers, its last seats will be gone within the second and people do come.
    """
    coming = beat.listeners > listeners_before
    last = beat.credits is not None and 0 < beat.seats_free < beat.credits * INTERVAL
    return SOON if coming and last else INTERVAL

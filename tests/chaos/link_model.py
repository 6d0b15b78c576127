"""What a bad link does to one direction of a flow: seeded, and in virtual time. Seconds throughout."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """All zero: a perfect link."""

    loss: float = 0.0
    """Share (0 to 1) of datagrams lost, one by one."""
    burst_loss: float = 0.0
    """Share lost in bursts besides (Gilbert's model: two states, everything is lost in the bad one)."""
    burst_length: float = 5.0
    """Datagrams in a burst, on average."""
    delay: float = 0.0
    """Of every datagram."""
    jitter: float = 0.0
    """Added to it: anything from 0 to this, all equally likely."""
    keep_order: bool = True
    """Whether a datagram waits for the ones before it, as in a queue; without, jitter reorders."""
    reorder: float = 0.0
    """Share that is overtaken: sent `held_back` later than the others."""
    held_back: float = 0.02
    duplicate: float = 0.0
    """Share that arrives twice."""


class LinkModel:
    """One direction."""

    def __init__(self, settings: LinkSettings, *, seed: int) -> None:
        self._settings = settings
        self._random = random.Random(seed)
        self._bad = False
        self._newest = 0.0

    def fate(self, now: float) -> list[float]:
        """When a datagram sent now arrives: never (empty), once, or twice."""
        settings, chance = self._settings, self._random.random
        self._bad = chance() < self._chance_of_bad()
        if self._bad or chance() < settings.loss:
            return []
        due = now + settings.delay + settings.jitter * chance()
        if chance() < settings.reorder:
            return [due + settings.held_back]
        if settings.keep_order:
            due = self._newest = max(due, self._newest)
        return [due, due] if chance() < settings.duplicate else [due]

    def _chance_of_bad(self) -> float:
        """Leaves the bad state after `burst_length` on average, and is in it `burst_loss` of the time."""
        settings = self._settings
        leave = 1.0 / max(1.0, settings.burst_length)
        if self._bad:
            return 1.0 - leave
        share = min(settings.burst_loss, 0.99)
        return min(1.0, leave * share / (1.0 - share))

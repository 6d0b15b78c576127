"""What a listener and a join cost this shard: measured all the time, starting from shipped priors.

The media thread's CPU time is `c_p * packets + c_rx * listeners * seconds`. One figure cannot tell two costs
apart, so the difference between it and the prediction goes to each in proportion to its part of the
prediction (a normalised least-mean-squares step in the logarithm): while packets dominate, `c_p` learns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from stentor.core.admission.laws import Laws

_MICRO = 1e-6
_MOST_SHORT = 6.0  # packets in the place of one: 120 ms of frames, all flushed early
_ATTEMPTS = 20.0  # join attempts that weigh as much as what is known


@dataclass(frozen=True, slots=True)
class CostSample:
    """What one interval took. Zeroes say "nothing happened" and change nothing."""

    seconds: float
    """Its length."""
    media_cpu: float
    """CPU seconds of the media thread in it (its own clock: a stolen core is not in it)."""
    packets: int
    """RTP packets sent to listeners in it."""
    listeners: float
    """How many were seated in it, on average."""
    ptime: int
    """ms per packet in it; give no sample for an interval in which it changed."""
    join_cpu: float = 0.0
    """CPU seconds spent on joins."""
    attempts: int = 0
    """Handshakes that ended, well or not: of those just begun the CPU is still to come."""


class Costs:
    """`c_p`, `c_rx`, `c_h`, and what follows from them."""

    def __init__(self, laws: Laws) -> None:
        self._laws = laws
        self._packet = laws.cost_packet * _MICRO
        self._receive = laws.cost_receive * _MICRO
        self._join = laws.cost_join * _MICRO
        self._short: dict[int, float] = {}  # ptime -> packets really sent for each nominal one

    @property
    def per_packet(self) -> float:
        """c_p: CPU seconds per packet sent."""
        return self._packet

    @property
    def per_receiver(self) -> float:
        """c_rx: CPU seconds per listener and second for receiving."""
        return self._receive

    @property
    def per_join(self) -> float:
        """c_h: CPU seconds per join attempt, finished or not."""
        return self._join

    def pps(self, ptime: int) -> float:
        """Packets per second and listener at that level as really sent: short flushes are in it.

        Never below the nominal number: a host who is silent for a while does not make room for more.
        """
        return 1000.0 / ptime * self._short.get(ptime, 1.0)

    def cost_per_listener(self, ptime: int) -> float:
        """c(p): CPU seconds that one listener needs in a second at `ptime` ms."""
        return self._packet * self.pps(ptime) + self._receive

    def update(self, sample: CostSample) -> None:
        """Learn from one interval (about a second)."""
        if sample.seconds <= 0:
            return
        settling = 1.0 - math.exp(-sample.seconds / self._laws.cost_settling)
        self._learn_pps(sample, settling)
        self._learn_media(sample, settling)
        self._learn_join(sample)

    def _learn_pps(self, sample: CostSample, settling: float) -> None:
        nominal = sample.listeners * sample.seconds * 1000.0 / sample.ptime
        if nominal < 1.0 or sample.packets < nominal:  # silence, or people who have only just come
            return
        known = self._short.get(sample.ptime, 1.0)
        seen = min(sample.packets / nominal, _MOST_SHORT)
        self._short[sample.ptime] = known + settling * (seen - known)

    def _learn_media(self, sample: CostSample, settling: float) -> None:
        if sample.media_cpu < self._laws.cost_least_load * sample.seconds:
            return
        sending = self._packet * sample.packets
        receiving = self._receive * sample.listeners * sample.seconds
        if sending + receiving <= 0:
            return
        error = math.log(self._plausible(sample.media_cpu / (sending + receiving)))
        share = sending / (sending + receiving)
        # Divided by the squared length of (share, 1 - share), so that the prediction moves by `settling`.
        step = settling * error / (share**2 + (1.0 - share) ** 2)
        laws = self._laws
        self._packet = self._within(self._packet * math.exp(step * share), laws.cost_packet)
        self._receive = self._within(self._receive * math.exp(step * (1.0 - share)), laws.cost_receive)

    def _learn_join(self, sample: CostSample) -> None:
        if sample.attempts <= 0 or sample.join_cpu <= 0:
            return
        error = math.log(self._plausible(sample.join_cpu / sample.attempts / self._join))
        weight = sample.attempts / (sample.attempts + _ATTEMPTS)
        self._join = self._within(self._join * math.exp(weight * error), self._laws.cost_join)

    def _plausible(self, factor: float) -> float:
        return min(max(factor, 1.0 / self._laws.cost_outlier), self._laws.cost_outlier)

    def _within(self, cost: float, prior: float) -> float:
        wide = self._laws.cost_range
        return min(max(cost, prior * _MICRO / wide), prior * _MICRO * wide)

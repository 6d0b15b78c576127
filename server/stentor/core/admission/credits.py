"""Join credits: a token bucket on handshakes started, refilled at a rate that lateness governs.

Additive increase, multiplicative decrease (Chiu and Jain, 1989): what joins may take is what the listeners
who are seated do not hear.
"""

from __future__ import annotations

import math

from stentor.core.admission.costs import Costs
from stentor.core.admission.laws import Laws

_LEAST_DEPTH = 2.0  # tokens: at the floor a returning listener's part must not keep new ones out for ever
_RETURNING_SEEN = 1.0  # seconds that their part is kept after the last of them
_STANDING = 0.5  # seconds of C: gateways hear once a second, half of that on average too late
_LONGEST = 4  # windows that one look may stand for
_DUST = 1e-9  # of many additions


def possible_rate(laws: Laws, costs: Costs, *, cores: float, listeners: int, ptime: int) -> float:
    """lam(N): joins a second that fit beside N seated, `(0.80 * K - N * c(p)) / c_h`; may be negative."""
    return (laws.credit_cpu * cores - listeners * costs.cost_per_listener(ptime)) / costs.per_join


class Credits:
    """C and its bucket. `now` is the shard's monotonic clock in seconds."""

    def __init__(self, laws: Laws, costs: Costs, *, cores: float, now: float) -> None:
        """Starts at the possible rate of an empty shard: a first listener waits for nothing."""
        self._laws = laws
        self._cores = cores
        self._most = self._possible(costs, listeners=0, ptime=20)
        self._rate = self._most
        self._good = self._most  # the rate before the last run of cuts
        self._cutting = False
        self._braking = False
        self._paused_until = -math.inf
        self._behind_until = -math.inf
        self._is_ours = False  # whether lateness counted in the last window
        self._returning_until = -math.inf
        self._refilled_at = now
        self._updated_at = now
        self._started = 0  # handshakes since then
        self._tokens = self._depth

    @property
    def rate(self) -> float:
        """C: joins a second, between the floor and the possible rate."""
        return self._rate

    def offered(self, waiting: int) -> float:
        """Joins a second that gateways may send: C, less those who are `waiting` at the door already.

        What was sent in a burst or before a pause would else stand there for ever, and everybody behind it.
        A little may stand, so that the door is not idle until gateways hear of it.
        """
        standing = waiting - _STANDING * self._rate
        return max(self._rate - max(0.0, standing), self._laws.credit_floor)

    def is_paused(self, now: float) -> bool:
        """Whether nobody new may join at this moment."""
        return self._braking or now < self._paused_until

    def note_lag(self, now: float, lag: float) -> None:
        """A look at the event loop, some a window: it was so many seconds behind.

        Joins are what it is behind with. Those begun before the end of the window that shows it would
        take seconds on what others have left of the core; so while it is behind, nobody new begins.
        """
        late = lag > self._laws.credit_behind
        self._behind_until = now + self._laws.credit_window if late else -math.inf

    def update(
        self,
        now: float,
        *,
        lateness: float,
        cpu: float,
        listeners: int,
        ptime: int,
        costs: Costs,
        braking: bool = False,
        lasts: bool = False,
    ) -> float:
        """One step of the law, every `credit_window`, seldomer while the shard is calm; returns C.

        `lateness`: p90 of the window in seconds; `cpu`: share of the cores this process used in it;
        `braking`, `lasts`: as the ladder says. Lateness that lasts counts, whoever makes it: joins would
        time out here, and neighbours have room.
        """
        laws = self._laws
        self._refill(now)
        self._most = self._possible(costs, listeners=listeners, ptime=ptime)
        windows = min(max(1, round((now - self._updated_at) / laws.credit_window)), _LONGEST)
        joins = self._count_joins(now)
        busy = max(cpu, (listeners * costs.cost_per_listener(20) + joins * costs.per_join) / self._cores)
        self._is_ours = lasts or busy > laws.credit_idle_cpu
        overload = lateness if self._is_ours else 0.0
        paused = now < self._paused_until
        self._braking = braking
        if overload > laws.credit_stop:
            self._pause(now)
        joined = not paused or joins > laws.credit_floor
        if overload <= laws.credit_target:
            self._cutting = False
            self._paused_until = min(self._paused_until, now)  # the handshakes begun are finished
            if joined and not braking:  # else nobody joined: it would prove nothing
                for _ in range(windows):  # a calm shard looks seldomer, and grows no slower
                    self._grow()
        elif joined:  # what nobody caused by joining is not their fault
            self._cut(overload)
        self._rate = min(max(self._rate, laws.credit_floor), self._most)
        self._tokens = min(self._tokens, self._depth)
        return self._rate

    def take(self, now: float, *, returning: bool = False) -> bool:
        """Whether a handshake may start now; if so, it is paid for. Ask for returning listeners first."""
        if returning:
            self._returning_until = now + _RETURNING_SEEN
        if not self.has(now, returning=returning):
            return False
        self._tokens -= 1.0
        self._started += 1
        return True

    def has(self, now: float, *, returning: bool = False) -> bool:
        """Whether `take` would say yes now."""
        self._refill(now)
        return self._tokens >= self._asked(now, returning) - _DUST

    def _asked(self, now: float, returning: bool) -> float:
        """Tokens that must be there for a handshake, which costs one."""
        if returning:
            return 1.0
        if self.is_paused(now) or (self._is_ours and now < self._behind_until):
            return math.inf
        if now < self._returning_until:
            return min(1.0 + self._laws.credit_returning * self._depth, self._depth)
        return 1.0

    @property
    def _depth(self) -> float:
        return max(_LEAST_DEPTH, self._rate * self._laws.credit_burst)

    def _possible(self, costs: Costs, *, listeners: int, ptime: int) -> float:
        possible = possible_rate(self._laws, costs, cores=self._cores, listeners=listeners, ptime=ptime)
        return max(possible, self._laws.credit_floor)

    def _count_joins(self, now: float) -> float:
        """Handshakes started in a second, since the last call."""
        elapsed = now - self._updated_at
        joins = self._started / elapsed if elapsed > 0 else 0.0
        self._started, self._updated_at = 0, now
        return joins

    def _refill(self, now: float) -> None:
        elapsed = max(0.0, now - self._refilled_at)
        # Also in a pause, for those who return: they hear nothing, whom they delay hears a jitter buffer.
        rate = self._laws.credit_floor if self._braking else self._rate
        self._tokens = min(self._depth, self._tokens + elapsed * rate)
        self._refilled_at = max(self._refilled_at, now)

    def _pause(self, now: float) -> None:
        self._paused_until = now + self._laws.credit_pause
        self._tokens = min(self._tokens, 1.0)

    def _grow(self) -> None:
        laws = self._laws
        if self._rate < self._good:
            self._rate = min(self._good, self._rate + laws.credit_return * self._good)
        else:
            self._rate += laws.credit_probe * self._most

    def _cut(self, overload: float) -> None:
        laws = self._laws
        if not self._cutting:
            self._cutting, self._good = True, self._rate
        excess = (overload - laws.credit_target) / laws.credit_target
        self._rate *= max(1.0 - laws.credit_cut * excess, laws.credit_deepest_cut)

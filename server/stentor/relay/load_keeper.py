"""Keeps a shard's load: measures it, and drives costs, seats, ladder, credits and shedding, in this order.

The laws are in `core/admission`. Here they are told what was measured, and what they say is done.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

from stentor.core.admission.costs import Costs, CostSample
from stentor.core.admission.credits import Credits
from stentor.core.admission.ladder import Ladder, LadderState
from stentor.core.admission.laws import Laws
from stentor.core.admission.seats import SeatLimits, Seats
from stentor.core.admission.shedding import Shedding
from stentor.core.links import Shed
from stentor.core.webrtc.capsule import Capsule, PeekedCapsule
from stentor.net import clock
from stentor.net.media_load import MediaLoad
from stentor.net.rounds import until_round
from stentor.relay.load_meter import LoadMeter, Window
from stentor.relay.machine import memory_free
from stentor.relay.shard import RelayShard
from stentor.telemetry.metrics import Metrics

LAG_EVERY = 0.02  # seconds: a dozen looks at the loop's lag in a window, so that a p90 means something;
# only while people join, whom alone a busy loop delays: a shard that is calm sleeps
MEASURE_EVERY = 1.0  # seconds: of costs, seats and shedding; of everything while the shard is calm
CALM_CPU = 0.1  # of the cores: a shard that needs less, with nobody at the door, is in no hurry to look
MEMORY_EVERY = 5.0  # seconds: what listeners take of it in five is a few megabytes
_SHORT = 0.1  # seconds that windows may be short of a second together


class LoadKeeper:
    """Of one shard. `start` ... `stop`, or `step` by hand."""

    def __init__(
        self,
        relay: RelayShard,
        laws: Laws,
        metrics: Metrics,
        *,
        cores: float,
        read: Callable[[], MediaLoad] | None = None,
        process_cpu: Callable[[], float] = clock.process_cpu,
        memory: Callable[[], int | None] = memory_free,
    ) -> None:
        """`read`: totals of a fan-out with counters of its own; `cores`: K.

        The seats of the shard's table are the most there may be (`--max-seats`).
        """
        now = clock.monotonic()
        self._relay, self._laws, self._metrics, self._memory = relay, laws, metrics, memory
        self._cores = cores
        self._meter = LoadMeter(relay.media_load if read is None else read, process_cpu, now=now)
        self._second = _Second(relay.ptime)
        self.costs = Costs(laws)
        self.seats = Seats(laws, SeatLimits(cores, relay.table.seats), self.costs, now=now)
        self.ladder = Ladder(laws, cores=cores)
        self.credits = Credits(laws, self.costs, cores=cores, now=now)
        self._shedding = Shedding(laws, shard=relay.record.shard, seed=secrets.token_bytes(8))
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._lag_due = self._memory_due = now
        self._memory_free: int | None = None
        self._is_running = self._is_calm = False
        relay.on_ended = self._meter.note_attempt
        relay.table.may_start = self._may_start
        self._offer(braking=False, paused=False)

    def start(self) -> None:
        """Begin to look."""
        self._is_running = True
        self._look_soon()

    def stop(self) -> None:
        """Stop."""
        self._is_running = False
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def step(self, now: float) -> Window:
        """The end of a window: look, decide, act. Returns what was seen."""
        relay = self._relay
        listeners = relay.table.connected_count
        window = self._meter.take(now, joining=relay.table.peers > listeners)
        cpu = window.cpu / (window.seconds * self._cores)
        self._second.add(window, listeners, relay.ptime)
        measured = self._second.seconds >= MEASURE_EVERY - _SHORT
        if measured:
            self._measure(now, listeners)
        state = self.ladder.update(
            now, listeners=listeners, costs=self.costs, lateness=window.lateness, cpu=cpu
        )
        relay.follow_ladder(state.level)
        self.credits.update(
            now,
            lateness=window.lateness,
            cpu=cpu,
            listeners=listeners,
            ptime=relay.ptime,
            costs=self.costs,
            braking=state.braking,
            lasts=state.lasts,
        )
        if measured:
            self._shed(state, window, listeners)
        self._offer(braking=state.braking, paused=self.credits.is_paused(now))
        self._export(window, state, cpu)
        self._is_calm = (
            state.busy < CALM_CPU  # also what it would use if the host spoke
            and window.lateness <= self._laws.credit_target
            and not self._has_joiners(window)
        )
        return window

    def is_returning(self, capsule: Capsule | PeekedCapsule) -> bool:
        """See `ContactGate`. The seat was ours, or of a shard that died: then the gateway says so."""
        seat = (capsule.event, capsule.ticket)
        return capsule.returning or self._relay.regulars.is_returning(seat, clock.monotonic())

    def has_credit(self, *, returning: bool) -> bool:
        """See `ContactGate`."""
        self._hurry()
        return self.credits.has(clock.monotonic(), returning=returning)

    # -- inside -------------------------------------------------------------------------------------------

    def _may_start(self, capsule: Capsule, now: float) -> bool:
        self._hurry()
        return self.credits.take(now, returning=self.is_returning(capsule))

    def _measure(self, now: float, listeners: int) -> None:
        """Costs from the second that has gone by, then what they leave for seats."""
        second, self._second = self._second, _Second(self._relay.ptime)
        if second.is_even:
            self.costs.update(second.sample())
        if now >= self._memory_due:
            self._memory_free, self._memory_due = self._memory(), now + MEMORY_EVERY - _SHORT
        self.seats.update(now, self.costs, listeners=listeners, memory_free=self._memory_free)

    def _shed(self, state: LadderState, window: Window, listeners: int) -> None:
        # By the time of day: that is what pages know of when they were seated.
        notice = self._shedding.update(
            clock.wall(),
            level=self._relay.ptime,
            lateness=window.lateness,
            cpu=state.busy,
            listeners=listeners,
            newest=self._relay.newest(),
        )
        self._relay.shed = (
            None if notice is None else Shed(notice.since, notice.fraction, notice.seed, notice.deadline)
        )

    def _offer(self, *, braking: bool, paused: bool) -> None:
        relay = self._relay
        relay.table.seats = self.seats.total
        relay.braking = braking or paused  # only those come who return
        relay.credits = self._laws.credit_floor if braking else self.credits.offered(relay.waiting())

    def _export(self, window: Window, state: LadderState, cpu: float) -> None:
        metrics, costs = self._metrics, self.costs
        metrics.relay_join_credits.set(self.credits.rate)
        metrics.relay_lateness.set(window.lateness)
        metrics.relay_ptime.set(self._relay.ptime)
        metrics.relay_load.labels(kind="predicted").set(state.load)
        metrics.relay_load.labels(kind="measured").set(cpu)
        metrics.relay_braking.set(state.braking)
        metrics.relay_cost.labels(of="packet").set(costs.per_packet)
        metrics.relay_cost.labels(of="receiver").set(costs.per_receiver)
        metrics.relay_cost.labels(of="join").set(costs.per_join)

    def _has_joiners(self, window: Window) -> bool:
        """Whether anybody is at the door, or was in this window."""
        return bool(window.attempts) or self._relay.table.peers > self._relay.table.connected_count

    def _hurry(self) -> None:
        """Somebody comes: from now on a busy loop matters, and so does every window."""
        if not self._is_running or "lag" in self._timers:
            return
        self._arm_lag()
        if self._is_calm:
            self._look_soon()
            now = clock.monotonic()
            if now - self._meter.taken_at > self._laws.credit_window:
                self.step(now)  # lest the window in which they come be mostly the calm before them
                self._is_calm = False

    def _arm_lag(self) -> None:
        self._lag_due = clock.monotonic() + LAG_EVERY
        self._timers["lag"] = asyncio.get_running_loop().call_later(LAG_EVERY, self._on_lag)

    def _on_lag(self) -> None:
        now = clock.monotonic()
        lag = now - self._lag_due
        self._meter.note_lag(lag)
        self.credits.note_lag(now, lag)
        self._arm_lag()

    def _look_within(self, seconds: float) -> None:
        """The window ends then, whatever was said before."""
        former = self._timers.get("window")
        if former is not None:
            former.cancel()
        self._timers["window"] = asyncio.get_running_loop().call_later(seconds, self._on_window)

    def _look_soon(self) -> None:
        self._is_calm = False
        self._look_within(self._laws.credit_window)

    def _on_window(self) -> None:
        self._look_soon()  # first: what goes wrong in one window is no reason to have no next
        window = self.step(clock.monotonic())
        if self._is_calm:
            self._look_within(until_round(MEASURE_EVERY))
        if not self._has_joiners(window):
            lag = self._timers.pop("lag", None)
            if lag is not None:
                lag.cancel()


class _Second:
    """Windows added up until costs are learnt from them."""

    def __init__(self, ptime: int) -> None:
        self.seconds = 0.0
        self.is_even = True
        """Whether ptime was the same all the time."""
        self._ptime = ptime
        self._media_cpu = self._join_cpu = self._listening = 0.0
        self._packets = self._attempts = 0

    def add(self, window: Window, listeners: int, ptime: int) -> None:
        """One more."""
        self.is_even = self.is_even and ptime == self._ptime
        self.seconds += window.seconds
        self._listening += listeners * window.seconds
        self._media_cpu += window.media_cpu
        self._join_cpu += window.join_cpu
        self._packets += window.packets
        self._attempts += window.attempts

    def sample(self) -> CostSample:
        """As costs are told of it."""
        return CostSample(
            self.seconds,
            self._media_cpu,
            self._packets,
            self._listening / self.seconds,
            self._ptime,
            self._join_cpu,
            self._attempts,
        )

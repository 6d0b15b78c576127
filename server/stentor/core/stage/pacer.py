"""The host's clock as we see it from packet arrivals: a slow phase-locked loop (PLL).

A host's sampling clock is off ours by up to some hundred parts per million; at 50 ppm that is one 20 ms frame
every 7 minutes. So frames leave by the host's clock, not by ours. All we see of that clock are arrival times,
each of which is the host's time plus a network delay that varies, but never below a floor. The floor is the
signal: the earliest arrival of each window of a second (a minimum filter on the arrival envelope) is compared
with the line the loop predicts, and the difference, the phase error, bends the line.

    line(x) = base + (x - base_x) * (1 + frequency + steer)       x: the host's media time
    a frame is due at line(x) + delay

The loop is of second order and type 2 (it integrates a frequency), so a constant rate difference leaves no
standing error. While it tracks (error below `TRACK`), with natural frequency w = 0.05 rad/s and damping 1:

    steer     = PROPORTIONAL * error        PROPORTIONAL = 2 * damping * w = 0.1 /s
    frequency += INTEGRAL * error * dt      INTEGRAL = w * w = 0.0025 /s^2

Time constant 1/w = 20 s, noise bandwidth w * (damping + 1 / (4 * damping)) / 2 = 0.03 Hz. A clock 200 ppm off
moves the phase at most 200e-6 / (e * w) = 1.5 ms before the frequency is learnt; with 30 ms of even jitter
the window's minimum wavers by 0.6 ms, the line by less.

An error above `TRACK` is no drift but a route or a queue that changed. It is worked off faster (`ACQUIRE`,
time constant 2 s, never steeper than `MAX_STEER`) and teaches the frequency nothing.
"""

from __future__ import annotations

from stentor.core.rtp.jitter_buffer import MediaPacket

CLOCK_RATE = 48000  # Opus always counts at 48 kHz (RFC 7587 section 4.1)

WINDOW = 1.0  # seconds: 50 packets of 20 ms, enough for one to pass without queueing; 1/20 of the loop's time
WINDOW_PACKETS = 4  # with fewer (discontinuous transmission, 120 ms packets) the window goes on
TRACK = 0.010  # seconds: 400 ppm lock in with 4 ms of error; more than 10 ms is a change of the path
PROPORTIONAL = 0.1  # per second, see above
INTEGRAL = 0.0025  # per second squared, see above
ACQUIRE = 0.5  # per second; times the longest window (1.6 s) still below 1, so no overshoot
MAX_STEER = 0.05  # 5 %: a listener's player stretches time by more, unheard; 200 ms too many last 7 s
MAX_FREQUENCY = 1e-3  # 1,000 ppm: ten times a bad crystal; a liar cannot bend the line further


class HostClock:
    """When the host's frames are due on our clock.

    `anchor` it on a first packet. While `settling` (nothing left yet, so no frame has a place) `advance` may
    pull the line in at will. After `settled` only the loop moves it, fed by `observe`.
    """

    __slots__ = ("_base", "_base_timestamp", "_count", "_delay", "_frequency", "_lowest", "_opened",
                 "_seconds_per_sample", "_steer", "anchored", "settling")  # fmt: skip

    def __init__(self, delay: float) -> None:
        """`delay`: seconds between the earliest arrival the network allows and a frame's due time."""
        self._delay = delay
        self._base = 0.0
        self._base_timestamp = 0
        self._frequency = 0.0
        self._steer = 0.0
        self._seconds_per_sample = 1 / CLOCK_RATE
        self._opened = 0.0  # when the window began
        self._lowest = 0.0  # smallest error in it, as if the line had not been steered in it
        self._count = 0  # packets in it
        self.anchored = False
        self.settling = False

    @property
    def frequency(self) -> float:
        """How much longer our second is than the host's: +0.0002 means a host clock 200 ppm slow."""
        return self._frequency

    def anchor(self, timestamp: int, *, due: float) -> None:
        """Start a new line: the frame at `timestamp` is due at `due`. The frequency learnt so far stays."""
        self._base = due - self._delay
        self._base_timestamp = timestamp
        self._steer = 0.0
        self._seconds_per_sample = (1 + self._frequency) / CLOCK_RATE
        self.anchored = self.settling = True

    def due(self, packet: MediaPacket) -> float:
        """When this packet is to leave."""
        elapsed = (packet.timestamp - self._base_timestamp) * self._seconds_per_sample
        return self._base + elapsed + self._delay

    def error(self, timestamp: int, now: float) -> float:
        """Seconds by which a packet arriving now is later than the line says (negative: earlier)."""
        return now - self._base - (timestamp - self._base_timestamp) * self._seconds_per_sample

    def advance(self, seconds: float) -> None:
        """Pull the line in. Only while settling."""
        self._base -= seconds

    def settled(self, now: float) -> None:
        """The first frame has left: from now on the loop alone moves the line."""
        self.settling = False
        self._open_window(now)

    def observe(self, timestamp: int, error: float, now: float) -> None:
        """Feed the loop one arrival. `error` is what `error()` said of it."""
        if self.settling:
            return
        level = error + self._steer * (now - self._opened)  # as if the line had not been steered meanwhile
        if level < self._lowest:
            self._lowest = level
        self._count += 1
        if self._count >= WINDOW_PACKETS and now - self._opened >= WINDOW:
            self._bend(timestamp, now)
            self._open_window(now)

    def _bend(self, timestamp: int, now: float) -> None:
        """Close a window: one step of the loop, from here on and without a step in the line itself."""
        elapsed = now - self._opened
        error = self._lowest - self._steer * elapsed
        if abs(error) > TRACK:
            self._steer = _clamp(ACQUIRE * error, MAX_STEER)
        else:
            self._frequency = _clamp(self._frequency + INTEGRAL * error * elapsed, MAX_FREQUENCY)
            self._steer = PROPORTIONAL * error
        self._base += (timestamp - self._base_timestamp) * self._seconds_per_sample
        self._base_timestamp = timestamp
        self._seconds_per_sample = (1 + self._frequency + self._steer) / CLOCK_RATE

    def _open_window(self, now: float) -> None:
        self._opened = now
        self._lowest = float("inf")
        self._count = 0


def _clamp(value: float, limit: float) -> float:
    return max(-limit, min(limit, value))

"""A host whose clock is off, for two hours of virtual time: nothing lost, nothing repeated, delay bounded.

Each case prints what it measured (`pytest -s`); the bounds asserted are those figures with a margin.
"""

from __future__ import annotations

import heapq
import random
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from stentor.core.opus.toc import SILENCE_20MS
from stentor.core.stage.program import ProgramFrame, ProgramStream

HOST = b"host"
FRAME = 960  # samples of 20 ms
TWO_HOURS = 360_000  # frames
FLOOR = 0.03  # seconds the fastest packet takes


@dataclass(frozen=True)
class Link:
    """The host's clock and the way its packets travel; the same seed gives the same arrivals."""

    ppm: float = 0.0  # +200: the host's clock is fast
    jitter: float = 0.0  # seconds, evenly distributed, on top of FLOOR
    loss: float = 0.0  # share of packets
    held_at_start: int = 0  # this many first packets arrive together with the one after them
    first_delayed: float = 0.0  # seconds the very first packet is late
    slower_between: tuple[int, int] = (0, 0)  # frames that take another way, SLOWER longer
    seed: int = 1

    SLOWER = 0.08

    def sent(self, number: int) -> float:
        return 1.0 + number * 0.02 / (1 + self.ppm * 1e-6)

    def arrivals(self, count: int) -> Iterator[tuple[float, int]]:
        """(arrival time, frame number) in order of arrival."""
        rng = random.Random(self.seed)
        on_the_way: list[tuple[float, int]] = []
        for number in range(count):
            sent = self.sent(max(number, self.held_at_start))
            late = self.jitter * rng.random() if number >= self.held_at_start else 0.0
            if number == 0:
                late += self.first_delayed
            if self.slower_between[0] <= number < self.slower_between[1]:
                late += self.SLOWER
            if number < 100 or rng.random() >= self.loss:  # the start is kept whole, to be told from loss
                heapq.heappush(on_the_way, (sent + FLOOR + late, number))
            while on_the_way and on_the_way[0][0] <= self.sent(number):
                yield heapq.heappop(on_the_way)
        while on_the_way:
            yield heapq.heappop(on_the_way)


@dataclass
class Run:
    """What went in and what came out; one entry per host frame in order of release."""

    link: Link
    stream: ProgramStream
    arrived: dict[int, float] = field(default_factory=dict)  # frame number -> arrival
    numbers: array[int] = field(default_factory=lambda: array("q"))
    released: array[float] = field(default_factory=lambda: array("d"))
    sequences: array[int] = field(default_factory=lambda: array("q"))
    timestamps: array[int] = field(default_factory=lambda: array("q"))

    def take(self, frames: list[ProgramFrame], now: float) -> None:
        for frame in frames:
            if frame.payload != SILENCE_20MS:
                self.numbers.append(int.from_bytes(frame.payload[1:], "big"))
                self.released.append(now)
                self.sequences.append(frame.sequence)
                self.timestamps.append(frame.timestamp)

    def delay_from_arrival(self) -> tuple[float, float]:
        """Smallest and largest time between a frame's arrival and its release."""
        delays = [at - self.arrived[number] for at, number in zip(self.released, self.numbers, strict=True)]
        return min(delays), max(delays)

    def delay_from_floor(self, first: int = 0, last: int | None = None) -> tuple[float, float]:
        """The same against the time the fastest network would have brought each frame."""
        pairs = zip(self.released[first:last], self.numbers[first:last], strict=True)
        delays = [at - self.link.sent(number) - FLOOR for at, number in pairs]
        return min(delays), max(delays)

    def timestamp_rate(self) -> float:
        """Samples of program per second of local time."""
        return (self.timestamps[-1] - self.timestamps[0]) / (self.released[-1] - self.released[0])


def run(link: Link, count: int) -> Run:
    """Drive the stream as its shell does: poll when something is due."""
    stream = ProgramStream(first_sequence=1, first_timestamp=0, now=0.0)
    result = Run(link, stream)
    stream.open_source(HOST, now=0.0)
    now = 0.0
    for arrival, number in link.arrivals(count):
        while (due := stream.next_due()) <= arrival:
            now = max(now, due)
            result.take(stream.poll(now=now), now)
        now = result.arrived[number] = arrival
        sequence, timestamp = (number + 65_000) & 0xFFFF, (number * FRAME + 4_294_000_000) & 0xFFFFFFFF
        stream.receive(HOST, sequence, timestamp, b"\x78" + number.to_bytes(4, "big"), now=now)
    end = now + 0.3
    while (due := stream.next_due()) <= end:
        now = max(now, due)
        result.take(stream.poll(now=now), now)
    return result


def describe(result: Run) -> str:
    shortest, longest = result.delay_from_arrival()
    low, high = result.delay_from_floor()
    late_low, late_high = result.delay_from_floor(first=10_000)
    return (
        f"\n{result.link}\n  {result.stream.counters}\n"
        f"  ms from arrival {shortest * 1e3:.1f}..{longest * 1e3:.1f},"
        f" from floor {low * 1e3:.1f}..{high * 1e3:.1f},"
        f" after 200 s {late_low * 1e3:.2f}..{late_high * 1e3:.2f}"
    )


def assert_whole(result: Run, *, given_up: int = 0) -> None:
    """Every frame that arrived, except the first `given_up`, came out once and in its place."""
    assert list(result.numbers) == sorted(result.arrived)[given_up:]
    base_sequence = result.sequences[0] - result.numbers[0]
    base_timestamp = result.timestamps[0] - result.numbers[0] * FRAME
    for number, sequence, timestamp in zip(result.numbers, result.sequences, result.timestamps, strict=True):
        assert sequence - number == base_sequence
        assert timestamp - number * FRAME == base_timestamp
    counters = result.stream.counters
    assert counters.frames == len(result.numbers)
    assert counters.lost == result.numbers[-1] - result.numbers[0] + 1 - len(result.numbers)
    assert counters.restarts == 1


@pytest.mark.parametrize("ppm", [200.0, -200.0])
def test_two_hours_of_drift_on_a_clean_link(ppm: float) -> None:
    result = run(Link(ppm), TWO_HOURS)
    print(describe(result))
    assert_whole(result)
    assert result.stream.counters.lost == result.stream.counters.late == 0
    low, high = result.delay_from_arrival()  # measured 58.3..60.0 and 60.0..61.5
    assert low > 0.057
    assert high < 0.063
    low, high = result.delay_from_floor(first=10_000)  # the frequency is learnt after 200 s
    assert 0.0599 < low <= high < 0.0601
    assert result.timestamp_rate() == pytest.approx(48_000 * (1 + ppm * 1e-6), rel=1e-6)


@pytest.mark.parametrize("ppm", [200.0, -200.0])
def test_two_hours_of_drift_with_jitter_and_loss(ppm: float) -> None:
    result = run(Link(ppm, jitter=0.03, loss=0.01), TWO_HOURS)
    print(describe(result))
    assert_whole(result)
    assert result.stream.counters.late == 0
    low, high = result.delay_from_arrival()  # measured 28.7..64.0: the jitter is taken out of the 60 ms
    assert low > 0.025
    assert high < 0.070
    low, high = result.delay_from_floor(first=10_000)  # measured 60.1..61.4: what jitter the program keeps
    assert high - low < 0.003
    assert result.timestamp_rate() == pytest.approx(48_000 * (1 + ppm * 1e-6), rel=1e-6)


def test_two_hours_after_a_burst_at_the_start() -> None:
    result = run(Link(200.0, jitter=0.03, loss=0.01, held_at_start=5), TWO_HOURS)
    print(describe(result))
    assert_whole(result)
    low, high = result.delay_from_arrival()
    assert low >= 0.0
    assert high < 0.125  # measured 110: six frames wait behind the silence frame on the air
    assert result.delay_from_floor(first=500)[1] < 0.070  # worked off within 10 s


def test_a_longer_burst_at_the_start_gives_up_its_oldest_frames() -> None:
    result = run(Link(-200.0, jitter=0.03, loss=0.01, held_at_start=50), 30_000)
    print(describe(result))
    given_up = result.numbers[0]
    assert_whole(result, given_up=given_up)
    assert 40 <= given_up <= 47  # of 1 s, 6 frames fit into twice the delay
    assert result.delay_from_arrival()[1] < 0.130
    assert result.delay_from_floor(first=500)[1] < 0.070


@pytest.mark.parametrize(("delayed", "given_up"), [(0.05, 0), (0.2, 1), (3.0, 1)])
def test_a_delayed_first_packet_delays_nothing_else(delayed: float, given_up: int) -> None:
    result = run(Link(-200.0, jitter=0.03, loss=0.01, first_delayed=delayed), 30_000)
    print(describe(result))
    assert_whole(result, given_up=given_up)
    assert result.delay_from_arrival()[1] < 0.130
    assert result.delay_from_floor(first=500)[1] < 0.070


def test_a_route_that_becomes_slower_and_faster_again_costs_no_frame() -> None:
    result = run(Link(200.0, jitter=0.01, slower_between=(5_000, 10_000)), 15_000)
    print(describe(result))
    assert_whole(result)
    assert result.delay_from_arrival()[0] >= 0.0  # late frames leave when they come
    low, high = result.delay_from_floor(first=5_500, last=10_000)
    assert Link.SLOWER + 0.055 < low <= high < Link.SLOWER + 0.070  # followed within 10 s
    low, high = result.delay_from_floor(first=10_500)
    assert 0.055 < low <= high < 0.070

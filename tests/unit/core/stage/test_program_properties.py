"""Whatever a host does, what leaves the stage is one orderly stream."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from stentor.core.opus.toc import SILENCE_20MS, OpusError, packet_duration
from stentor.core.rtp.jitter_buffer import CAPACITY, MEMORY
from stentor.core.stage.program import ProgramFrame, ProgramStream

SOURCES = [b"a", b"b"]
CODES = {
    120: b"\x80",
    240: b"\x88",
    480: b"\x90",
    960: b"\x98",
    1920: b"\x10",
    2880: b"\x18",
    5760: b"\x19ab",
}
DURATIONS = sorted(CODES)
LONGEST_BURST = 24_000  # samples: what may be overdue (200 ms), one frame that began before, the last one


class ProgramMachine(RuleBasedStateMachine):
    """Hosts, honest and not, and a shell that polls when it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.stream = ProgramStream(first_sequence=0, first_timestamp=0, now=0.0)
        self.last: ProgramFrame | None = None
        self.sent: dict[bytes, int] = {}
        self.count = 0
        self.sequence = 60_000
        self.timestamp = 4_294_960_000

    @rule(source=st.sampled_from(SOURCES))
    def open(self, source: bytes) -> None:
        self.stream.open_source(source, now=self.now)

    @rule(source=st.sampled_from(SOURCES))
    def close(self, source: bytes) -> None:
        self.stream.close_source(source, now=self.now)

    @rule(seconds=st.one_of(st.floats(0, 0.05), st.floats(0, 1), st.floats(0, 30)))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(
        source=st.sampled_from(SOURCES),
        frames=st.integers(1, 40),
        duration=st.sampled_from(DURATIONS),
        poll=st.booleans(),
        pace=st.sampled_from([0.0, 0.5, 0.95, 1.0, 1.0, 1.0, 1.05, 2.0]),
    )
    def talk(self, source: bytes, frames: int, duration: int, poll: bool, pace: float) -> None:
        """Frames in order at `pace` times the real rate (0: a burst)."""
        for _ in range(frames):
            self.receive(source, self.sequence, self.timestamp, duration)
            self.sequence += 1
            self.timestamp += duration
            self.now += duration / 48_000 / pace if pace else 0.0
            if poll:
                self.poll()

    @rule(source=st.sampled_from(SOURCES), back=st.integers(0, 400), duration=st.sampled_from(DURATIONS))
    def lag(self, source: bytes, back: int, duration: int) -> None:
        """An old packet, a copy, or one recovered from RED."""
        self.receive(source, self.sequence - back, self.timestamp - back * 120, duration)

    @rule(forward=st.integers(-100_000, 100_000))
    def leap(self, forward: int) -> None:
        self.timestamp += forward
        self.sequence += forward // 960

    @rule(
        sequence=st.integers(0, 0xFFFF),
        timestamp=st.integers(0, 0xFFFFFFFF),
        duration=st.sampled_from(DURATIONS),
    )
    def lie(self, sequence: int, timestamp: int, duration: int) -> None:
        self.receive(SOURCES[0], sequence, timestamp, duration)

    @rule(payload=st.binary(max_size=4))
    def junk(self, payload: bytes) -> None:
        try:
            packet_duration(payload)
        except OpusError:
            malformed = self.stream.counters.malformed
            for source in SOURCES:
                self.stream.receive(source, 0, 0, payload, now=self.now)
            assert self.stream.counters.malformed - malformed <= 1

    @rule()
    def poll(self) -> None:
        frames = self.stream.poll(now=self.now)
        for frame in frames:
            self.check(frame)
        if frames:
            assert sum(frame.duration for frame in frames) <= LONGEST_BURST
        assert self.stream.next_due() > self.now

    @precondition(lambda self: self.stream.next_due() < float("inf"))
    @rule()
    def poll_when_due(self) -> None:
        self.now = max(self.now, self.stream.next_due())
        self.poll()

    def receive(self, source: bytes, sequence: int, timestamp: int, duration: int) -> None:
        self.count += 1
        payload = CODES[duration] + self.count.to_bytes(4, "big")
        if len(payload) % 2 == 0 and duration == 5760:
            payload += b"\0"
        self.sent[payload] = duration
        self.stream.receive(source, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, payload, now=self.now)

    def check(self, frame: ProgramFrame) -> None:
        if self.last is not None:
            assert frame.sequence > self.last.sequence
            assert frame.timestamp >= self.last.timestamp + self.last.duration
            gap = frame.timestamp - self.last.timestamp - self.last.duration
            assert frame.sequence - self.last.sequence - 1 <= gap // 120
        if frame.payload == SILENCE_20MS:
            assert frame.duration == 960
        else:  # one that was sent, as it was sent, and for the first time
            assert frame.duration == self.sent.pop(frame.payload)
        self.last = frame

    @invariant()
    def memory_is_bounded(self) -> None:
        host = self.stream._input
        if host is not None:
            assert len(host._buffer) <= CAPACITY
            assert len(host._buffer._known) <= CAPACITY + MEMORY

    @invariant()
    def program_keeps_step_with_time(self) -> None:
        """A host can bend the program by what its loop allows (5.1 %), never run away with it."""
        ahead = self.stream.timestamp_at(self.now) / 48_000 - self.now
        assert abs(ahead) <= 0.055 * self.now + 0.3


ProgramMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestProgram = ProgramMachine.TestCase


@given(
    st.lists(
        st.tuples(
            st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF), st.sampled_from(DURATIONS), st.floats(0, 0.1)
        ),
        max_size=200,
    )
)
@settings(max_examples=100, deadline=None)
def test_random_numbers_from_a_host_leave_the_program_in_order(
    steps: list[tuple[int, int, int, float]],
) -> None:
    machine = ProgramMachine()
    machine.open(SOURCES[0])
    for sequence, timestamp, duration, seconds in steps:
        machine.receive(SOURCES[0], sequence, timestamp, duration)
        machine.wait(seconds)
        machine.poll()
        machine.memory_is_bounded()
        machine.program_keeps_step_with_time()

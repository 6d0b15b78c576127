"""One program per event: who feeds it, when it runs, what it emits. In virtual time."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field

import pytest

from stentor.core.opus.toc import SILENCE_20MS
from stentor.core.stage.program import ProgramFrame
from stentor.net import clock
from stentor.stage.stage import MAX_PROGRAMS, SUBSCRIPTION, Stage
from support.virtual_loop import VirtualLoop, run_virtually

EVENT = b"event--1"
HOST, OTHER = b"host---1", b"host---2"


@dataclass
class Sink:
    """Notes what comes and when."""

    frames: list[tuple[float, ProgramFrame]] = field(default_factory=list)
    fails: bool = False

    def frame(self, event: bytes, frame: ProgramFrame, *, now: float) -> None:
        self.frames.append((clock.monotonic(), frame))
        if self.fails:
            raise ValueError("a sink is broken")

    def voices(self) -> list[bytes]:
        return [frame.payload for _, frame in self.frames if frame.payload != SILENCE_20MS]


class House:
    """A stage, its sink, and whom it reported as heard."""

    def __init__(self) -> None:
        self.sink = Sink()
        self.heard: list[bytes] = []
        self.stage = Stage([self.sink], on_heard=self.heard.append)

    async def speak(self, source: bytes, count: int, *, first: int = 0) -> None:
        for number in range(first, first + count):
            self.stage.receive(EVENT, source, number, 960 * number, opus(number), now=clock.monotonic())
            await asyncio.sleep(0.02)

    async def listen(self, seconds: float) -> None:
        """As a relay does: ask every second."""
        for _ in range(int(seconds)):
            self.stage.subscribe(EVENT, now=clock.monotonic())
            await asyncio.sleep(1.0)


def opus(number: int) -> bytes:
    return b"\xf8voice %d" % number


def steps(house: House) -> set[int]:
    return {b.sequence - a.sequence for (_, a), (_, b) in itertools.pairwise(house.sink.frames)}


def test_a_program_without_a_host_is_silence_every_20_ms(monkeypatch: pytest.MonkeyPatch):
    async def main() -> None:
        house = House()
        await house.listen(10)
        assert {frame.payload for _, frame in house.sink.frames} == {SILENCE_20MS}
        assert len(house.sink.frames) == pytest.approx(500, abs=3)
        assert steps(house) == {1}

    run_virtually(monkeypatch, main())


def test_nobody_asks_so_the_program_stops_and_goes_on_when_somebody_does(monkeypatch: pytest.MonkeyPatch):
    async def main() -> None:
        house = House()
        await house.listen(1)
        await asyncio.sleep(60.0)
        stopped = len(house.sink.frames)
        assert stopped == pytest.approx(SUBSCRIPTION * 50, abs=3)
        await house.listen(2)
        (before, last), (after, again) = house.sink.frames[stopped - 1], house.sink.frames[stopped]
        assert again.sequence == last.sequence + 1
        assert again.timestamp - last.timestamp == pytest.approx((after - before) * 48000, abs=1500)
        assert len(house.sink.frames) - stopped == pytest.approx(100, abs=3)

    run_virtually(monkeypatch, main())


def test_the_host_is_passed_on_frame_by_frame_while_somebody_speaks_or_listens(
    monkeypatch: pytest.MonkeyPatch,
):
    async def main() -> None:
        house = House()
        house.stage.open_source(EVENT, HOST, now=clock.monotonic())
        await house.speak(HOST, 200)
        await asyncio.sleep(0.3)
        assert house.sink.voices() == [opus(number) for number in range(200)]
        assert house.heard == [EVENT]

    run_virtually(monkeypatch, main())


def test_after_a_host_has_left_silence_follows_at_once(monkeypatch: pytest.MonkeyPatch):
    async def main() -> None:
        house = House()
        listening = asyncio.ensure_future(house.listen(3))
        house.stage.open_source(EVENT, HOST, now=clock.monotonic())
        await house.speak(HOST, 50)
        house.stage.close_source(EVENT, HOST, now=clock.monotonic())
        await listening
        times = [at for at, _ in house.sink.frames]
        assert max(b - a for a, b in itertools.pairwise(times)) < 0.1
        assert steps(house) == {1}

    run_virtually(monkeypatch, main())


def test_the_newest_publisher_is_heard_and_the_one_before_is_not(monkeypatch: pytest.MonkeyPatch):
    async def main() -> None:
        house = House()
        house.stage.open_source(EVENT, HOST, now=clock.monotonic())
        await house.speak(HOST, 20)
        house.stage.open_source(EVENT, OTHER, now=clock.monotonic())
        late = asyncio.ensure_future(house.speak(HOST, 20, first=1000))
        await house.speak(OTHER, 20, first=500)
        house.stage.close_source(EVENT, HOST, now=clock.monotonic())  # too late to mean anything
        await late
        await house.speak(OTHER, 20, first=520)
        await asyncio.sleep(0.3)
        assert not {opus(number) for number in range(1000, 1020)} & set(house.sink.voices())
        assert house.sink.voices()[-40:] == [opus(number) for number in range(500, 540)]
        sequences = [frame.sequence for _, frame in house.sink.frames]
        assert sequences == sorted(set(sequences))

    run_virtually(monkeypatch, main())


def test_who_is_heard_again_after_a_pause_is_reported_again(monkeypatch: pytest.MonkeyPatch):
    async def main() -> None:
        house = House()
        stage = house.stage
        assert stage.host_state(EVENT, now=clock.monotonic()) == "none"
        stage.open_source(EVENT, HOST, now=clock.monotonic())
        assert stage.host_state(EVENT, now=clock.monotonic()) == "none"
        await house.speak(HOST, 10)
        assert stage.host_state(EVENT, now=clock.monotonic()) == "present"
        await asyncio.sleep(3.0)
        assert stage.host_state(EVENT, now=clock.monotonic()) == "away"
        await house.speak(HOST, 10, first=200)
        assert stage.host_state(EVENT, now=clock.monotonic()) == "present"
        stage.close_source(EVENT, HOST, now=clock.monotonic())
        assert stage.host_state(EVENT, now=clock.monotonic()) == "away"
        assert house.heard == [EVENT, EVENT]

    run_virtually(monkeypatch, main())


def test_an_ended_event_is_quiet_and_leaves_no_timer(monkeypatch: pytest.MonkeyPatch):
    async def main() -> None:
        house = House()
        house.stage.open_source(EVENT, HOST, now=clock.monotonic())
        await house.speak(HOST, 10)
        house.stage.end_event(EVENT)
        quiet = len(house.sink.frames)
        await house.speak(HOST, 10, first=10)
        house.stage.close_source(EVENT, HOST, now=clock.monotonic())
        await asyncio.sleep(10.0)
        assert len(house.sink.frames) == quiet
        assert house.stage.host_state(EVENT, now=clock.monotonic()) == "none"

    run_virtually(monkeypatch, main())


def test_a_sink_that_fails_does_not_stop_the_program(monkeypatch: pytest.MonkeyPatch):
    async def main() -> None:
        house = House()
        house.sink.fails = True
        await house.listen(2)
        assert len(house.sink.frames) == pytest.approx(100, abs=3)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        assert len(loop.failures) == len(house.sink.frames)  # and the failures are not hidden

    run_virtually(monkeypatch, main())


def test_programs_are_bounded_and_the_one_nobody_asked_for_longest_goes(monkeypatch: pytest.MonkeyPatch):
    async def main() -> None:
        house = House()
        await house.listen(1)
        for number in range(MAX_PROGRAMS):
            house.stage.subscribe(number.to_bytes(8, "big"), now=clock.monotonic())
        house.stage.stop()
        before = len(house.sink.frames)
        await asyncio.sleep(5.0)
        assert len(house.sink.frames) == before

    run_virtually(monkeypatch, main())

"""The stage role: one program per event, fed by its publisher, emitted to every sink on time."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import Literal

from stentor.core.links import FrameSink
from stentor.core.stage.program import ProgramStream
from stentor.net import clock

MAX_PROGRAMS = 1024  # events at once on one stage; the one idle for longest makes room
SUBSCRIPTION = 5.0  # seconds a relay is remembered after it asked
HEARD_WITHIN = 2.0  # seconds without a packet until a connected host counts as away

HostState = Literal["none", "present", "away"]


class _Program:
    """A program stream with the timer that paces it."""

    __slots__ = ("heard_from", "last_packet", "source", "stream", "timer", "wanted_until")

    def __init__(self, stream: ProgramStream) -> None:
        self.stream = stream
        self.source: bytes | None = None
        self.last_packet: float | None = None
        self.heard_from: float | None = None  # when the source of now was heard first
        self.wanted_until = 0.0
        self.timer: asyncio.TimerHandle | None = None


class Stage:
    """`SourceSink` for ingest, `Trunk` for relays."""

    def __init__(self, sinks: list[FrameSink], *, on_heard: Callable[[bytes], None]) -> None:
        """`on_heard(event)` is called when an event's publisher is heard after it was not."""
        self._sinks = sinks
        self._on_heard = on_heard
        self._programs: OrderedDict[bytes, _Program] = OrderedDict()
        self._loop = asyncio.get_running_loop()

    def stop(self) -> None:
        """Stop all programs."""
        for event in list(self._programs):
            self.end_event(event)

    def end_event(self, event: bytes) -> None:
        """The event is over: its program stops."""
        program = self._programs.pop(event, None)
        if program is not None and program.timer is not None:
            program.timer.cancel()

    def host_state(self, event: bytes, *, now: float) -> HostState:
        """Whether the event's publisher is heard."""
        program = self._programs.get(event)
        if program is None or program.last_packet is None:
            return "none"
        heard = program.source is not None and now - program.last_packet < HEARD_WITHIN
        return "present" if heard else "away"

    def heard_for(self, event: bytes, *, now: float) -> float:
        """Seconds since the event's present publisher was heard first; 0 before."""
        program = self._programs.get(event)
        return 0.0 if program is None or program.heard_from is None else now - program.heard_from

    # -- SourceSink ---------------------------------------------------------------------------------------

    def open_source(self, event: bytes, source: bytes, *, now: float) -> None:
        """See `SourceSink.open_source`."""
        program = self._program(event, now)
        program.source = source
        program.heard_from = None
        program.stream.open_source(source, now=now)
        self._arm(event, program)

    def close_source(self, event: bytes, source: bytes, *, now: float) -> None:
        """See `SourceSink.close_source`."""
        program = self._programs.get(event)
        if program is not None and program.source == source:
            program.source = None
            program.stream.close_source(source, now=now)
            self._arm(event, program)  # silence is due earlier than the host's next packet was

    def receive(
        self, event: bytes, source: bytes, sequence: int, timestamp: int, payload: bytes, *, now: float
    ) -> None:
        """See `SourceSink.receive`."""
        program = self._programs.get(event)
        if program is None or program.source != source:
            return
        if program.last_packet is None or now - program.last_packet >= HEARD_WITHIN:
            self._on_heard(event)
        program.last_packet = now
        if program.heard_from is None:
            program.heard_from = now
        program.stream.receive(source, sequence, timestamp, payload, now=now)
        self._arm(event, program)

    # -- Trunk --------------------------------------------------------------------------------------------

    def subscribe(self, event: bytes, *, now: float) -> None:
        """See `Trunk.subscribe`."""
        program = self._program(event, now)
        program.wanted_until = now + SUBSCRIPTION
        self._arm(event, program)

    # -- inside -------------------------------------------------------------------------------------------

    def _program(self, event: bytes, now: float) -> _Program:
        program = self._programs.get(event)
        if program is None:
            if len(self._programs) >= MAX_PROGRAMS:
                self.end_event(next(iter(self._programs)))
            program = _Program(
                ProgramStream(
                    first_sequence=secrets.randbits(15), first_timestamp=secrets.randbits(31), now=now
                )
            )
            self._programs[event] = program
        self._programs.move_to_end(event)
        return program

    def _wanted(self, program: _Program, now: float) -> bool:
        return program.source is not None or now < program.wanted_until

    def _arm(self, event: bytes, program: _Program) -> None:
        now = clock.monotonic()
        if program.timer is not None:
            program.timer.cancel()
            program.timer = None
        if not self._wanted(program, now):
            return
        due = program.stream.next_due()
        program.timer = self._loop.call_later(max(0.0, due - now), self._tick, event, program)

    def _tick(self, event: bytes, program: _Program) -> None:
        due = program.stream.next_due()
        frames = program.stream.poll(now=clock.monotonic())
        self._arm(event, program)  # first: a sink that fails must not stop the program
        for frame in frames:
            for sink in self._sinks:
                sink.frame(event, frame, now=due)

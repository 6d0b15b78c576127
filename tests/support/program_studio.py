"""A host at a microphone and a listener with a notebook, around one program stream, in virtual time."""

from __future__ import annotations

from itertools import pairwise

from stentor.core.opus.toc import SILENCE_20MS
from stentor.core.stage.program import ProgramFrame, ProgramStream

A, B = b"source-a", b"source-b"
DELAY, AWAY = 0.06, 0.4
CODES = {
    120: b"\x80",
    240: b"\x88",
    480: b"\x90",
    960: b"\x98",
    1920: b"\x10",
    2880: b"\x18",
    5760: b"\x19ab",
}
"""Opus packets by duration: CELT 2.5 to 20 ms, SILK 40 and 60 ms, two SILK frames of 60 ms."""


class Studio:
    """A stream with its shell: time goes on in `until`, whatever is due is polled at its due time."""

    def __init__(self) -> None:
        self.stream = ProgramStream(
            first_sequence=100, first_timestamp=1_000_000, now=0.0, delay=DELAY, away_after=AWAY
        )
        self.now = 0.0
        self.heard: list[tuple[float, ProgramFrame]] = []

    def until(self, now: float) -> None:
        while (due := self.stream.next_due()) <= now:
            self.now = max(self.now, due)
            self.heard += [(self.now, frame) for frame in self.stream.poll(now=self.now)]
        self.now = max(self.now, now)

    def open(self, source: bytes = A) -> None:
        self.stream.open_source(source, now=self.now)

    def close(self, source: bytes = A) -> None:
        self.stream.close_source(source, now=self.now)

    def send(
        self, number: int, source: bytes = A, *, timestamp: int | None = None, duration: int = 960
    ) -> None:
        """Frame `number` arrives now."""
        timestamp = number * duration if timestamp is None else timestamp
        payload = CODES[duration] + source + number.to_bytes(4, "big")
        if duration == 5760 and len(payload) % 2 == 0:
            payload += b"\0"
        self.stream.receive(source, number & 0xFFFF, timestamp & 0xFFFFFFFF, payload, now=self.now)

    def talk(
        self, first: int, last: int, source: bytes = A, *, duration: int = 960, start: float | None = None
    ) -> None:
        """Frames `first` to `last` arrive in real time from now on."""
        begin = self.now if start is None else start
        for number in range(first, last):
            self.until(begin + (number - first) * duration / 48_000)
            self.send(number, source, duration=duration)

    def frames(self) -> list[ProgramFrame]:
        return [frame for _, frame in self.heard]

    def numbers(self, source: bytes = A) -> list[int]:
        """Numbers of the host frames heard from `source`."""
        spoken = [frame.payload for frame in self.frames() if source in frame.payload]
        return [int.from_bytes(payload.split(source)[1][:4], "big") for payload in spoken]

    def host_frames(self) -> list[tuple[float, ProgramFrame]]:
        return [(at, frame) for at, frame in self.heard if frame.payload != SILENCE_20MS]

    def check(self) -> None:
        """What holds always: numbers only grow, no frame reaches into the next one."""
        frames = self.frames()
        for before, after in pairwise(frames):
            assert after.sequence > before.sequence
            assert after.timestamp >= before.timestamp + before.duration

"""One event's program stream: what every listener hears, whoever is speaking.

    host packets -> HostInput (order, due times by the host's clock) -> ProgramStream -> ProgramFrame -> sinks

The program has one clock, a point that moves: *at local time `_end_time` the timestamp is `_end_timestamp`*,
the end of the last frame. Each host frame moves it to its due time and its own timestamp, so that while a
host is there the program runs at the host's rate; silence moves it at ours. Whenever a host's timeline has to
be tied to the program (first packet, return, another source, a jump of its clock), the first frame gets the
timestamp that this clock shows at its due time. So timestamps follow time through any change of host, which
is what sender reports need (RFC 3550 section 6.4.1), and go back in none.
"""

from __future__ import annotations

from dataclasses import dataclass

from stentor.core.opus.toc import SILENCE_20MS
from stentor.core.rtp.jitter_buffer import MediaPacket
from stentor.core.stage.counters import ProgramCounters
from stentor.core.stage.host_input import REACH, HostInput
from stentor.core.stage.pacer import CLOCK_RATE

SILENCE_DURATION = 960  # samples: 20 ms
SHORTEST_FRAME = 120  # samples: 2.5 ms (RFC 6716 section 2.1.4)
CATCH_UP = REACH  # seconds: what is overdue by more is given up, so a late poll gives a small burst at most
STEER = 5  # samples of 960 (0.5 %) by which silence stretches to bring timestamps back to elapsed time
SILENCE_SPAN = (SILENCE_DURATION + STEER) / CLOCK_RATE  # seconds: the longest time a silence frame covers


@dataclass(frozen=True, slots=True)
class ProgramFrame:
    """One Opus packet of the program, in its place on the program's timeline."""

    sequence: int
    """Extended RTP sequence number: only grows; a gap is a frame the host sent and nobody has."""
    timestamp: int
    """Extended RTP timestamp at 48 kHz: only grows, and never falls inside the frame before."""
    payload: bytes
    """The Opus packet as the host encoded it, bit for bit, or silence."""
    duration: int
    """How long it plays, in samples at 48 kHz."""


class ProgramStream:
    """Turns the packets of one host after another into one endless stream.

    Feed it with `open_source`, `receive` and `close_source`; call `poll` at `next_due()` or soon after and
    after each feeding ask `next_due()` again. `now` is in seconds and never decreases.

    A host frame leaves `delay` after the earliest time the network could have brought it, by the host's clock
    (`pacer.py`). A frame that is missing then leaves a gap in sequence and timestamp, for the listener's
    player to conceal; a host that sends less (DTX) leaves a gap in the timestamp alone. When nothing has been
    due for `away_after`, or at once when the source was closed or none was ever opened, silence frames follow
    every 20 ms.
    """

    def __init__(
        self,
        *,
        first_sequence: int,
        first_timestamp: int,
        now: float,
        delay: float = 0.06,
        away_after: float = 0.4,
    ) -> None:
        """The first frame has these numbers (the timestamp: if it is due at once). Times in seconds."""
        self.counters = ProgramCounters()
        self._delay = delay
        self._away_after = away_after
        self._input: HostInput | None = None
        self._is_open = False
        self._filling = True  # silence is on the air
        self._sequence = first_sequence - 1
        self._end_time = now
        self._end_timestamp = first_timestamp
        self._start = (now, first_timestamp)
        self._last: MediaPacket | None = None  # the host's packet on the air; None after anything else
        self._offset = 0  # program timestamp minus the host's; holds while `_last` is there

    def open_source(self, source: bytes, *, now: float) -> None:
        """From now on `source` is the host; what any other sends or has sent is ignored."""
        self._input = HostInput(source, delay=self._delay, counters=self.counters)
        self._is_open = True
        self._last = None

    def close_source(self, source: bytes, *, now: float) -> None:
        """The host has left: what waits still plays, then silence. No effect if it is not the current one."""
        if self._input is not None and self._input.source == source:
            self._is_open = False

    def receive(self, source: bytes, sequence: int, timestamp: int, payload: bytes, *, now: float) -> None:
        """Take one Opus packet with its RTP numbers, from the wire or recovered from RED, in any order."""
        host = self._input
        if host is None or not self._is_open or host.source != source:
            return
        if host.receive(sequence, timestamp, payload, now=now, not_before=self._end_time):
            self._last = None

    def host_present(self, now: float) -> bool:
        """Whether a source is open and was heard within `away_after` (plus the delay it has anyway)."""
        if self._input is None or not self._is_open or self._input.last_arrival is None:
            return False
        return now - self._input.last_arrival <= self._away_after + self._delay

    def timestamp_at(self, now: float) -> int:
        """The program's timestamp at local time `now`: for sender reports (RFC 3550 section 6.4.1)."""
        return self._end_timestamp + round((now - self._end_time) * CLOCK_RATE)

    def next_due(self) -> float:
        """When to call `poll` next, unless something is received before; may lie in the past."""
        due, silence = self._host_due(), self._silence_due()
        return due if due < silence + SILENCE_SPAN else silence

    def poll(self, *, now: float) -> list[ProgramFrame]:
        """Everything due by now, in order: as a rule one frame or none, after a stall at most `CATCH_UP`."""
        frames: list[ProgramFrame] = []
        while True:
            due, silence = self._host_due(), self._silence_due()
            if silence < now - CATCH_UP:  # nobody polled for long: no silence for the time that has passed
                if due > now:
                    self._skip_to(now)
                silence = now
            if due < silence + SILENCE_SPAN:  # a silence frame would reach into the host's: it waits
                if due > now:
                    return frames
                self._play_host(due, now, frames)
            elif silence > now:
                return frames
            else:
                frames.append(self._play_silence(silence))

    def _host_due(self) -> float:
        return float("inf") if self._input is None else self._input.due()

    def _silence_due(self) -> float:
        if self._filling or not self._is_open:
            return self._end_time
        return self._end_time + self._away_after

    def _skip_to(self, now: float) -> None:
        """Leave the time up to `now` empty."""
        self._end_timestamp, self._end_time = self.timestamp_at(now), now
        self._last = None
        self._filling = True

    def _play_host(self, due: float, now: float, frames: list[ProgramFrame]) -> None:
        """Give out the host's next packet in its place, unless that place has passed."""
        assert self._input is not None
        packet = self._input.pop()
        timestamp = self.timestamp_at(due) if self._last is None else packet.timestamp + self._offset
        if timestamp < self._end_timestamp or due < now - CATCH_UP:
            self.counters.late += 1
            return
        self._input.played(now)
        skipped = self._skipped(packet)
        self._sequence += skipped + 1
        self._offset = timestamp - packet.timestamp
        self._last = packet
        self._filling = False
        self._end_time = due + packet.duration / CLOCK_RATE
        self._end_timestamp = timestamp + packet.duration
        self.counters.lost += skipped
        self.counters.frames += 1
        frames.append(ProgramFrame(self._sequence, timestamp, packet.payload, packet.duration))

    def _skipped(self, packet: MediaPacket) -> int:
        """How many packets are missing between the last one and this: what the sequence says, as far as the
        timestamps leave room for it (the sequence of a recovered packet is a guess, a hostile one a lie)."""
        if self._last is None:
            return 0
        missing = packet.sequence - self._last.sequence - 1
        room = (packet.timestamp - self._last.timestamp - self._last.duration) // SHORTEST_FRAME
        return max(0, min(missing, room))

    def _play_silence(self, at: float) -> ProgramFrame:
        """20 ms of silence beginning at `at`; the clock is drawn towards the time elapsed since the start."""
        timestamp = self.timestamp_at(at)
        began, first_timestamp = self._start
        ahead = timestamp - first_timestamp - round((at - began) * CLOCK_RATE)
        self._end_time = at + (SILENCE_DURATION + max(-STEER, min(STEER, ahead))) / CLOCK_RATE
        self._end_timestamp = timestamp + SILENCE_DURATION
        self._sequence += 1
        self._last = None
        self._filling = True
        if self._input is not None:
            self._input.rest()
        self.counters.silence += 1
        return ProgramFrame(self._sequence, timestamp, SILENCE_20MS, SILENCE_DURATION)

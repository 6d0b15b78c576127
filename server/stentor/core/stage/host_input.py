"""One speaker's packets, from arrival to the moment they are due."""

from __future__ import annotations

from stentor.core.opus.toc import OpusError, packet_duration
from stentor.core.rtp.jitter_buffer import Inserted, JitterBuffer, MediaPacket
from stentor.core.rtp.serial import Unwrapper
from stentor.core.stage.counters import ProgramCounters
from stentor.core.stage.pacer import CLOCK_RATE, HostClock

REACH = (
    0.2  # seconds a packet may be off its due time; beyond, its clock has jumped or it is not worth playing
)
SAME_TIMELINE = 1.0  # seconds: two packets further apart than this do not confirm each other's new timeline


class HostInput:
    """Orders one source's packets and knows when the next one is due.

    `receive` packets as they come; the caller takes `head` out with `pop` once `due` has come, says `played`
    if it found a place for it, and `rest` when it began to fill the host's silence, so that the host's next
    packet starts a new line.
    """

    __slots__ = ("_buffer", "_clock", "_counters", "_delay", "_newest", "_sequence", "_suspect", "_timestamp",
                 "last_arrival", "source")  # fmt: skip

    def __init__(self, source: bytes, *, delay: float, counters: ProgramCounters) -> None:
        self.source = source
        self.last_arrival: float | None = None
        self._delay = delay
        self._counters = counters
        self._buffer = JitterBuffer()
        self._clock = HostClock(delay)
        self._sequence = Unwrapper(16)
        self._timestamp = Unwrapper(32)
        self._newest = 0  # timestamp of the youngest packet of this timeline
        self._suspect: int | None = None  # timestamp of a packet that did not fit the timeline

    @property
    def head(self) -> MediaPacket | None:
        """The next packet, due or not."""
        return self._buffer.head

    def due(self) -> float:
        """When the head is to leave; infinity when nothing waits."""
        head = self._buffer.head
        return float("inf") if head is None else self._clock.due(head)

    def receive(
        self, sequence: int, timestamp: int, payload: bytes, *, now: float, not_before: float
    ) -> bool:
        """Take one packet; whether it started a new line, to which the program must be tied afresh.

        `not_before`: when the program's last frame ends. A new line's first frame is due no earlier.
        """
        try:
            duration = packet_duration(payload)
        except OpusError:
            self._counters.malformed += 1
            return False
        self.last_arrival = now
        media_sequence, media_time = self._sequence.unwrap(sequence), self._timestamp.unwrap(timestamp)
        if media_time in self._buffer:
            self._counters.duplicates += 1
            return False
        packet = MediaPacket(media_sequence, media_time, payload, duration)
        new_line = not self._clock.anchored
        if not new_line and not self._fits(packet, now):
            if not self._confirms_jump(packet):
                self._counters.late += 1
                return False
            new_line = True
        if new_line:
            self._start_line(packet, now, not_before)
        if self._buffer.insert(packet) is not Inserted.KEPT:
            self._counters.late += 1
        if self._clock.settling:
            self._pull_in(packet, now, not_before)
        return new_line

    def pop(self) -> MediaPacket:
        """Take the head out."""
        return self._buffer.pop()

    def played(self, now: float) -> None:
        """The packet taken out is on the air: from the first one on the line moves only slowly."""
        if self._clock.settling:
            self._clock.settled(now)

    def rest(self) -> None:
        """The host has fallen silent: unless something waits, its next packet starts a new line."""
        if not self._buffer:
            self._clock.anchored = False

    def _fits(self, packet: MediaPacket, now: float) -> bool:
        """Whether the packet lies on the timeline, give or take what a network can do to it."""
        timestamp = packet.timestamp
        error = self._clock.error(timestamp, now)
        if abs(error) > self._delay + REACH:
            # Out of order, however late, is no jump: the buffer knows what to do with it.
            return 0 <= self._newest - timestamp <= SAME_TIMELINE * CLOCK_RATE
        self._suspect = None
        self._newest = max(self._newest, timestamp)
        self._clock.observe(timestamp, error, now)
        return True

    def _confirms_jump(self, packet: MediaPacket) -> bool:
        """One stray packet moves nothing; a second one near it does (the probation of RFC 3550 A.1)."""
        suspect, self._suspect = self._suspect, packet.timestamp
        return suspect is not None and abs(packet.timestamp - suspect) <= SAME_TIMELINE * CLOCK_RATE

    def _start_line(self, packet: MediaPacket, now: float, not_before: float) -> None:
        if (
            packet.timestamp < self._newest
        ):  # its clock went back; ahead of a leap, what waits keeps its order
            self._counters.late += len(self._buffer)
            self._buffer.restart()
        self._clock.anchor(packet.timestamp, due=max(now + self._delay, not_before))
        self._newest = packet.timestamp
        self._suspect = None
        self._counters.restarts += 1

    def _pull_in(self, packet: MediaPacket, now: float, not_before: float) -> None:
        """A delayed first packet or a burst: packets show that the line lies too late, before it is in use.

        It comes in as far as the oldest waiting packet keeps its place. Beyond that the newest may wait up to
        twice the delay, which the loop then works off; of a longer burst the oldest packets are given up.
        """
        early = -self._clock.error(packet.timestamp, now)
        if early > 0:
            slack = self.due() - max(now, not_before)
            self._clock.advance(min(early, max(0.0, slack, early - self._delay)))

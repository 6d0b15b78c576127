"""Joins the streams a relay hears of one event, one parent after another, into a single program.

Streams of one stage (one epoch) carry the same numbers, so a frame that two parents send is known by its
sequence. A new stage counts from somewhere else: its first frame follows the last one of the former stage in
sequence, and in timestamp by the time that has passed, which is what players and sender reports need.
The twin of the native core's `stn_join.c`.
"""

from __future__ import annotations

from dataclasses import dataclass

from stentor.core.opus.toc import SILENCE_20MS, OpusError, packet_duration
from stentor.core.rtp.serial import seq_diff, timestamp_diff
from stentor.core.stage.pacer import CLOCK_RATE
from stentor.core.stage.program import ProgramFrame
from stentor.core.trunk.packet import TrunkFrame

SHORTEST_STEP = 960  # samples: 20 ms, what a new epoch's first frame is after the last one at least
FRAME = 20_000_000  # ns
FILL_AFTER = 400_000_000  # ns, as SILENCE in `link.py`: by then another parent is asked
FILL_FOR = 30_000_000_000  # ns: a relay that is cut off must not hold its listeners for ever


@dataclass(slots=True)
class JoinCounters:
    """What became of the frames of one event."""

    frames: int = 0
    """Handed on."""
    recovered: int = 0
    """Of these, those that came as redundancy of a later packet."""
    lost: int = 0
    """Sent by the stage, but never come."""
    duplicates: int = 0
    """Packets that brought nothing new."""
    fenced: int = 0
    """Packets of an epoch that is over."""
    malformed: int = 0
    """Frames that are no Opus packet."""


class ProgramJoin:
    """One event at one relay. Feed it whatever its `TrunkReceiver`s open."""

    def __init__(self) -> None:
        self.counters = JoinCounters()
        self.epoch = 0
        """Of the stage heard now, 0 before the first frame."""
        self.sequence_offset = 0
        """A frame's sequence less this is the stage's own, which trunk rows to children carry."""
        self.timestamp_offset = 0
        """The same for its timestamp."""
        self._last: ProgramFrame | None = None
        self._at = 0  # ns, when `_last` came, or was due when it was made here
        self._heard_at = 0  # ns, when the last that was not made here came
        self._filled = False  # silence was given since then

    def take(self, frames: tuple[TrunkFrame, ...], *, epoch: int, now: float) -> list[ProgramFrame]:
        """Those of a packet's frames that follow what was handed on before, in order, each once.

        Sequence and timestamp are extended and only grow. `epoch`: of the uplink the packet came by.
        """
        if not frames:
            return []
        if epoch < self.epoch:
            self.counters.fenced += 1
            return []
        if self._last is None or epoch > self.epoch:
            return self._begin(frames[-1], epoch, now)
        fresh: list[ProgramFrame] = []
        for place, frame in enumerate(frames):
            taken = self._follow(frame, now, counts_gap=place == 0)
            if taken is not None:
                fresh.append(taken)
                self._note(taken, now)
                self.counters.recovered += place < len(frames) - 1
        self.counters.frames += len(fresh)
        self.counters.duplicates += not fresh
        return fresh

    def _follow(self, frame: TrunkFrame, now: float, *, counts_gap: bool) -> ProgramFrame | None:
        """The frame in our numbers, or None when it is not after the last one.

        `counts_gap`: a gap before the oldest frame of a packet was lost on the way; between two of its
        frames the stage itself had none.
        """
        last = self._last
        assert last is not None  # `take` has begun
        ahead = seq_diff(frame.sequence, (last.sequence - self.sequence_offset) & 0xFFFF)
        later = timestamp_diff(frame.timestamp, (last.timestamp - self.timestamp_offset) & 0xFFFFFFFF)
        if later <= 0:
            if self._filled and ahead > 0:
                self.sequence_offset -= ahead  # silence was given in its place: the next one follows that
                self._heard_at = nanoseconds(now)
            return None
        if ahead <= 0:
            ahead += 1 << 16  # so long a silence that the sequence went half round: time tells
        duration = _duration(frame)
        if not duration:
            self.counters.malformed += 1
            return None
        if counts_gap:
            self.counters.lost += ahead - 1
        return ProgramFrame(last.sequence + ahead, last.timestamp + later, frame.payload, duration)

    def _begin(self, frame: TrunkFrame, epoch: int, now: float) -> list[ProgramFrame]:
        """The first frame of a stage. What came with it of before is not ours to play."""
        duration = _duration(frame)
        if not duration:
            self.counters.malformed += 1
            return []
        sequence, timestamp = frame.sequence, frame.timestamp
        if self._last is not None:
            sequence = self._last.sequence + 1
            gone = (nanoseconds(now) - self._at) * CLOCK_RATE // 1000
            timestamp = self._last.timestamp + max(SHORTEST_STEP, (gone + 500_000) // 1_000_000)
        self.epoch = epoch
        self.sequence_offset = sequence - frame.sequence
        self.timestamp_offset = timestamp - frame.timestamp
        first = ProgramFrame(sequence, timestamp, frame.payload, duration)
        self._note(first, now)
        self.counters.frames += 1
        return [first]

    def fill(self, now: float) -> ProgramFrame | None:
        """A frame of silence when nobody has brought anything for a while and one is due; call every 20 ms.

        So listeners of a stage that died stay connected until another has taken over.
        """
        silent = nanoseconds(now) - self._heard_at
        frames = (nanoseconds(now) - self._at) // FRAME
        if self._last is None or not FILL_AFTER <= silent <= FILL_FOR or frames < 1:
            return None
        sequence, timestamp = self._last.sequence + 1, self._last.timestamp + frames * SHORTEST_STEP
        self._last = ProgramFrame(sequence, timestamp, SILENCE_20MS, SHORTEST_STEP)
        self._at += frames * FRAME
        self.sequence_offset += 1
        self._filled = True
        return self._last

    def _note(self, frame: ProgramFrame, now: float) -> None:
        self._last, self._filled = frame, False
        self._at = self._heard_at = nanoseconds(now)


def nanoseconds(seconds: float) -> int:
    """As the native core has a time."""
    return round(seconds * 1e9)


def _duration(frame: TrunkFrame) -> int:
    """Samples, 0 for what is no Opus packet."""
    try:
        return packet_duration(frame.payload)
    except OpusError:
        return 0

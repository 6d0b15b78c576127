"""Elastic ptime: program frames in, packets of 20, 40, 60 or 120 ms out, without decoding.

Sending costs per packet, so under load a relay puts more frames into one. The rules:

- A packet holds frames of one configuration and channel bit that follow each other without a gap.
- It is never longer than the ptime asked for nor than the client's maxptime, nor above 1,150 bytes. A host
  packet that is so by itself passes alone and bit for bit, as do packets that no decoder would take apart.
- *Phases.* The program's time is cut into slots of one ptime; a packet ends with its slot. Slots of phase n
  lie n ticks of 20 ms later, so that listeners spread over the phases load every tick equally. After an early
  end (other configuration, full, gap) the next packet is short, and the phase stays what it was.
- Frame durations come from the table-of-contents byte, never from SDP.

Time is the program's timestamp: what a frame brings, and between frames what the caller's clock makes of it.
"""

from __future__ import annotations

from stentor.core.opus.hold import HOLD_SAMPLES, HoldQueue
from stentor.core.opus.merged_packet import MergedPacket
from stentor.core.opus.repacketizer import PacketFrames, pack_frames, packed_size, split_packet
from stentor.core.opus.toc import OpusError

LEVELS = (20, 40, 60, 120)  # ms; each divides 120, so six lanes spread evenly over the phases of each
LANES = 6
MAX_BYTES = 1150  # of a merged packet: with SRTP, UDP and IPv6 below 1,280 (RFC 8200 section 5)

_TICK = 960  # samples: 20 ms
_CYCLE = LANES * _TICK  # samples: after it the slots of all levels begin together again
_PER_MS = 48  # samples


def effective_ptime(ptime: int, maxptime: int) -> int:
    """The longest level within both, in ms; 20 when even that is too long."""
    wanted = min(ptime, maxptime)
    return max((level for level in LEVELS if level <= wanted), default=LEVELS[0])


class _Collecting:
    """The packet that is being filled."""

    __slots__ = (
        "count",
        "duration",
        "first",
        "frames",
        "head",
        "limit",
        "lost",
        "sequence",
        "timestamp",
        "until",
    )

    def __init__(self, sequence: int, timestamp: int, lost: int, *, until: int, limit: int) -> None:
        self.sequence = sequence
        self.timestamp = timestamp
        self.lost = lost
        self.until = until
        self.limit = limit
        self.first = b""
        self.head = 0
        self.frames: list[bytes] = []
        self.duration = 0
        self.count = 0

    @property
    def end(self) -> int:
        return self.timestamp + self.duration

    def takes(self, parts: PacketFrames) -> bool:
        """Whether these frames may join."""
        sizes = [len(frame) for frame in (*self.frames, *parts.frames)]
        return (
            parts.head == self.head
            and self.duration + parts.duration <= self.limit
            and packed_size(sizes) <= MAX_BYTES
        )

    def add(self, payload: bytes, parts: PacketFrames | None) -> None:
        if not self.count:
            self.first = payload
        if parts is not None:
            self.head = parts.head
            self.frames += parts.frames
            self.duration += parts.duration
        self.count += 1

    def packet(self) -> MergedPacket:
        payload = self.first if self.count == 1 else pack_frames(self.head, self.frames)
        return MergedPacket(self.sequence, self.timestamp, payload, self.duration, self.count, self.lost)


class Merger:
    """Makes the packets of one phase for clients of one maxptime.

    Feed it every frame of the program and send what it returns, at once and in order. When no frame comes by
    the time the program's clock reaches `due`, call `advance`: a host that pauses (DTX) must not keep the
    frames before the pause waiting.
    """

    def __init__(self, *, phase: int = 0, ptime: int = 20, maxptime: int = 120, hold: bool = False) -> None:
        """`phase` 0 to 5 (greater ones modulo 6), `ptime` and `maxptime` in ms, `hold` as in `hold.py`."""
        self._phase = phase % LANES
        self._maxptime = maxptime
        self._ptime = effective_ptime(ptime, maxptime)
        self._holding = hold
        self._hold = HoldQueue()
        self._collecting: _Collecting | None = None
        self._sequence: int | None = None

    def set_target(self, ptime: int, *, hold: bool = False) -> None:
        """Other ptime and hold from the next packet on; the one being collected is finished as it began."""
        self._ptime = effective_ptime(ptime, self._maxptime)
        self._holding = hold

    @property
    def due(self) -> int | None:
        """Program timestamp at which `advance` has something to do, None when nothing waits."""
        times = [] if self._collecting is None else [self._collecting.until]
        oldest = self._hold.oldest
        if oldest is not None:
            times.append(oldest + HOLD_SAMPLES if self._holding else oldest)
        return min(times, default=None)

    def feed(self, sequence: int, timestamp: int, payload: bytes) -> list[MergedPacket]:
        """Take one program frame with its extended RTP numbers; returns what leaves now, in order.

        A sequence that is not ahead of the last one is ignored.
        """
        lost = 0
        if self._sequence is not None:
            lost = sequence - self._sequence - 1
            if lost < 0:
                return []
        self._sequence = sequence
        parts = _split(payload)
        finished: list[MergedPacket] = []
        collecting = self._collecting
        if collecting is not None and not (
            lost == 0
            and parts is not None
            and timestamp == collecting.end
            and timestamp < collecting.until
            and collecting.takes(parts)
        ):
            finished.append(collecting.packet())
            collecting = None
        if collecting is None:
            collecting = self._begin(sequence, timestamp, lost)
        collecting.add(payload, parts)
        if parts is None or _is_complete(collecting, parts):
            finished.append(collecting.packet())
            collecting = None
        self._collecting = collecting
        return self._leave(finished, timestamp)

    def advance(self, timestamp: int) -> list[MergedPacket]:
        """The program's clock shows `timestamp` and no frame has come; returns what leaves now."""
        finished: list[MergedPacket] = []
        if self._collecting is not None and timestamp >= self._collecting.until:
            finished.append(self._collecting.packet())
            self._collecting = None
        return self._leave(finished, timestamp)

    def flush(self) -> list[MergedPacket]:
        """Everything leaves now: the listeners of this phase have gone, or the event has ended."""
        waiting = self._hold.clear()
        if self._collecting is not None:
            waiting.append(self._collecting.packet())
            self._collecting = None
        return waiting

    def _begin(self, sequence: int, timestamp: int, lost: int) -> _Collecting:
        slot = self._ptime * _PER_MS
        into_slot = (timestamp + _CYCLE - self._phase * _TICK) % slot
        limit = min(slot, self._maxptime * _PER_MS)  # less than a slot only for clients below 20 ms
        return _Collecting(sequence, timestamp, lost, until=timestamp + slot - into_slot, limit=limit)

    def _leave(self, finished: list[MergedPacket], timestamp: int) -> list[MergedPacket]:
        if not self._holding:
            return [*self._hold.clear(), *finished]
        leaving: list[MergedPacket] = []
        for packet in finished:
            leaving += self._hold.push(packet)
        return leaving + self._hold.release(timestamp)


def _split(payload: bytes) -> PacketFrames | None:
    try:
        return split_packet(payload)
    except OpusError:
        return None  # decoders judge it; it passes as it came


def _is_complete(collecting: _Collecting, last: PacketFrames) -> bool:
    """Whether nothing can follow in this packet: its slot ends, it is full, or one more like the last one
    would make it too long."""
    return (
        collecting.end >= collecting.until
        or collecting.duration + last.duration > collecting.limit
        or len(collecting.first) > MAX_BYTES
    )

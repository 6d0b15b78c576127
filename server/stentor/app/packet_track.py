"""An aiortc track that sends given Opus packets as they are, each at its time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from fractions import Fraction

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av import Packet
from av.stream import Stream

from stentor.app.opus_encode import SAMPLE_RATE
from stentor.core.opus.toc import packet_duration

TIME_BASE = Fraction(1, SAMPLE_RATE)
LONGEST_STALL = 0.5  # seconds behind after which the schedule starts anew instead of catching up in a burst


class PacketTrack(MediaStreamTrack):
    """Paces packets by their own durations. The clock starts with the first packet asked for."""

    kind = "audio"

    def __init__(
        self, packets: Iterator[bytes], *, clock: Callable[[], float], sent: Callable[[bytes], None]
    ) -> None:
        """`sent` is told of every packet when it is handed over. `clock` counts seconds."""
        super().__init__()
        self._packets = packets
        self._clock = clock
        self._sent = sent
        self._start: float | None = None
        self._timestamp = 0
        self.finished = asyncio.Event()
        """Set when all packets are gone out."""

    async def recv(self) -> Packet[Stream]:
        """The next packet, at the time it is due (called by aiortc's sender)."""
        if self.readyState != "live":
            raise MediaStreamError
        payload = next(self._packets, None)
        if payload is None:
            self.finished.set()
            await (
                asyncio.Event().wait()
            )  # nothing more to send; the sender is cancelled when the session ends
            raise MediaStreamError
        await self._until_due()
        packet = Packet(payload)
        packet.pts, packet.time_base = self._timestamp, TIME_BASE
        self._timestamp += packet_duration(payload)
        self._sent(payload)
        return packet

    async def _until_due(self) -> None:
        now = self._clock()
        due = now if self._start is None else self._start + self._timestamp / SAMPLE_RATE
        if self._start is None or now - due > LONGEST_STALL:
            self._start = now - self._timestamp / SAMPLE_RATE
        elif due > now:
            await asyncio.sleep(due - now)

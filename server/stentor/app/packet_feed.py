"""Opus packets in real time for several senders at once: each gets the same packet at the same time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction

from av import Packet
from av.stream import Stream

from stentor.app.opus_encode import SAMPLE_RATE
from stentor.core.opus.toc import packet_duration

TIME_BASE = Fraction(1, SAMPLE_RATE)
LONGEST_STALL = 0.5  # seconds behind after which the schedule starts anew instead of catching up in a burst
KEPT = 25  # packets, half a second at 20 ms: a sender further behind leaves out what is between


class PacketFeed:
    """Paces packets by their own durations. The clock starts with the first packet asked for.

    There is no task behind it: whoever asks first waits for the packet's time on behalf of all.
    """

    def __init__(
        self, packets: Iterator[bytes], *, clock: Callable[[], float], sent: Callable[[bytes], None]
    ) -> None:
        """`sent` is told of every packet, once, when it is handed over. `clock` counts seconds."""
        self._packets = packets
        self._clock = clock
        self._sent = sent
        self._start: float | None = None
        self._timestamp = 0
        self._pending: bytes | None = None  # outlives a sender that is cancelled while it waits
        self._kept: deque[Packet[Stream]] = deque(maxlen=KEPT)
        self._turn = asyncio.Lock()
        self.count = 0
        """How many packets have been handed over: the number of the next one."""
        self.finished = asyncio.Event()
        """Set when all packets are gone out."""

    async def packet(self, number: int) -> tuple[int, Packet[Stream]]:
        """Packet `number` (the first is 0) at its time, or the oldest one kept after it; with its number.

        Never returns once all packets are gone out: the sender is cancelled when its session ends.
        """
        while number >= self.count:
            async with self._turn:
                if number >= self.count:
                    await self._hand_over()
        number = max(number, self.count - len(self._kept))
        return number, self._kept[number - self.count]

    async def _hand_over(self) -> None:
        if self._pending is None:
            self._pending = next(self._packets, None)
        payload = self._pending
        if payload is None:
            self.finished.set()
            await asyncio.Event().wait()
            return
        await self._until_due()
        packet = Packet(payload)
        packet.pts, packet.time_base = self._timestamp, TIME_BASE
        self._timestamp += packet_duration(payload)
        self._pending = None
        self._kept.append(packet)
        self.count += 1
        self._sent(payload)

    async def _until_due(self) -> None:
        now = self._clock()
        due = now if self._start is None else self._start + self._timestamp / SAMPLE_RATE
        if self._start is None or now - due > LONGEST_STALL:
            self._start = now - self._timestamp / SAMPLE_RATE
        elif due > now:
            await asyncio.sleep(due - now)

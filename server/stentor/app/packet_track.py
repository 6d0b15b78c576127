"""An aiortc track that sends given Opus packets as they are, each at its time."""

from __future__ import annotations

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av import Packet
from av.stream import Stream

from stentor.app.packet_feed import PacketFeed


class PacketTrack(MediaStreamTrack):
    """One sender's part in a feed, from now on. Tracks of one feed send the same packets."""

    kind = "audio"

    def __init__(self, feed: PacketFeed) -> None:
        super().__init__()
        self._feed = feed
        self._next = feed.count

    async def recv(self) -> Packet[Stream]:
        """The next packet, at the time it is due (called by aiortc's sender)."""
        if self.readyState != "live":
            raise MediaStreamError
        number, packet = await self._feed.packet(self._next)
        self._next = number + 1
        return packet

"""Publishes Opus packets to a WHIP endpoint as a full WebRTC client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stentor.app.aiortc_taps import new_connection
from stentor.app.http_client import ClientError
from stentor.app.interrupt import interrupted
from stentor.app.opus_encode import SAMPLE_RATE
from stentor.app.packet_track import PacketTrack
from stentor.app.progress import progress_line
from stentor.app.rtc_session import first_of, rtc_session
from stentor.core.opus.toc import packet_duration

LAST_PACKET_SECONDS = 0.2  # time for the last packet's way through before the session is ended


@dataclass(slots=True)
class Sent:
    """What has gone out so far."""

    packets: int = 0
    """Opus packets."""
    samples: int = 0
    """Their length at 48 kHz."""

    @property
    def seconds(self) -> float:
        """Their length in seconds."""
        return self.samples / SAMPLE_RATE


async def publish_packets(
    url: str, key: str, packets: Iterator[bytes], *, clock: Callable[[], float], sent: Callable[[bytes], None]
) -> Sent:
    """Send `packets` in real time to the WHIP endpoint `url`, until they end or Ctrl-C; then end the session.

    `sent` sees every payload that goes out. Raises ClientError when the server refuses or the connection
    ends.
    """
    total = Sent()

    def count(payload: bytes) -> None:
        total.packets += 1
        total.samples += packet_duration(payload)
        sent(payload)

    track = PacketTrack(packets, clock=clock, sent=count)
    peer = new_connection()
    peer.addTransceiver(track, direction="sendonly")
    with interrupted() as stop, progress_line(lambda: f"on air for {total.seconds:.0f} s"):
        async with rtc_session(url, peer, key=key) as session:
            first = await first_of(track.finished, stop, session.ended, seconds=None)
            if first is session.ended:
                raise ClientError(
                    f"the connection ended after {total.seconds:.0f} s: "
                    "the server is gone, the event has ended, or another host has taken over"
                )
            await asyncio.sleep(LAST_PACKET_SECONDS)
    return total


def limited(packets: Iterator[bytes], seconds: float) -> Iterator[bytes]:
    """As many of `packets` as fit into `seconds`."""
    left = round(seconds * SAMPLE_RATE)
    for packet in packets:
        left -= packet_duration(packet)
        if left < 0:
            return
        yield packet

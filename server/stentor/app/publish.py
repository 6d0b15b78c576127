"""Publishes Opus packets to a WHIP endpoint as a full WebRTC client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stentor.app.http_client import ClientError
from stentor.app.interrupt import interrupted
from stentor.app.on_air import on_air
from stentor.app.opus_encode import SAMPLE_RATE
from stentor.app.packet_feed import PacketFeed
from stentor.app.progress import progress_line
from stentor.app.rtc_session import first_of
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

    A stage that drains is left for another without a gap: for a while both get the same packets. `sent` sees
    every payload that goes out, once. Raises ClientError when the server refuses or the connection ends.
    """
    total = Sent()

    def count(payload: bytes) -> None:
        total.packets += 1
        total.samples += packet_duration(payload)
        sent(payload)

    feed = PacketFeed(packets, clock=clock, sent=count)
    with interrupted() as stop, progress_line(lambda: f"on air for {total.seconds:.0f} s"):
        async with on_air(url, key, feed) as host:
            first = await first_of(feed.finished, stop, host.ended, seconds=None)
            if first is host.ended:
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

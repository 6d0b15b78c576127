"""Listens at a WHEP endpoint as a full WebRTC client and reports what arrived."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from stentor.app.aiortc_taps import TappedPacket, new_connection, tap_receiver
from stentor.app.heard import HeardPacket, HeardStream, HeardSummary
from stentor.app.interrupt import interrupted
from stentor.app.progress import progress_line
from stentor.app.rtc_session import first_of, rtc_session


@dataclass(frozen=True, slots=True)
class Listened:
    """What `stentor listen` reports."""

    heard: HeardSummary
    """The counts."""
    seconds: float
    """From connected to the end."""
    connect_ms: int
    """From the request to connected."""
    first_packet_ms: int | None
    """From the request to the first packet, or None when none came."""
    ended_by_server: bool
    """Whether the connection ended before it was asked to."""


async def listen_to(
    url: str, *, seconds: float | None, clock: Callable[[], float], take: Callable[[HeardPacket], None]
) -> Listened:
    """Listen at the WHEP endpoint `url` for `seconds`, or until Ctrl-C or the server ends it.

    `take` gets every packet in sequence order. The session is ended on the way out. Raises ClientError when
    the server refuses or media never connects.
    """
    stream = HeardStream()
    arrivals: list[float] = []

    def tapped(packet: TappedPacket) -> None:
        now = clock()
        if not arrivals:
            arrivals.append(now)
        for heard in stream.receive(packet.ssrc, packet.sequence, packet.timestamp, packet.payload, now=now):
            take(heard)

    peer = new_connection()
    tap_receiver(peer.addTransceiver("audio", direction="recvonly").receiver, tapped)
    asked = clock()
    with interrupted() as stop, progress_line(lambda: _line(stream)), _drained(peer.on):
        async with rtc_session(url, peer) as session:
            connected = clock()
            first = await first_of(session.ended, stop, seconds=seconds)
            ended = clock()
    for heard in stream.finish():
        take(heard)
    return Listened(
        heard=stream.summary(),
        seconds=round(ended - connected, 3),
        connect_ms=round((connected - asked) * 1000),
        first_packet_ms=round((arrivals[0] - asked) * 1000) if arrivals else None,
        ended_by_server=first is session.ended,
    )


@contextlib.contextmanager
def _drained(on: Callable[..., object]) -> Iterator[None]:
    """Takes decoded frames away from aiortc's track: it keeps them all otherwise, and we decode ourselves."""
    tasks: list[asyncio.Task[None]] = []
    on("track", lambda track: tasks.append(asyncio.ensure_future(_drain(track))))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()


async def _drain(track: MediaStreamTrack) -> None:
    with contextlib.suppress(MediaStreamError):
        while True:
            await track.recv()


def _line(stream: HeardStream) -> str:
    summary = stream.summary()
    return f"{summary.packets} packets, {summary.lost} lost, {summary.gaps} gaps"

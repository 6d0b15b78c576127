"""Hosts whose packets say whose they are, and listeners that note whom they hear."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import aiohttp

from stentor.app.aiortc_taps import new_connection
from stentor.app.packet_feed import PacketFeed
from stentor.app.packet_track import PacketTrack
from stentor.app.rtc_session import rtc_session
from stentor_loadtest.errors import JoinError
from stentor_loadtest.histogram import Histogram
from stentor_loadtest.listener.listener import Listener
from stentor_loadtest.listener.whep import WhepClient
from stentor_loadtest.wire.dtls import DtlsIdentity
from support.server_process import Event
from support.waiting import until

TOC = b"\xf8"  # CELT, 20 ms, mono, one frame (RFC 6716 section 3.1): what follows is passed on as it is
LABEL = 8  # bytes after it
SILENCE = "silence"
STARVED = 10  # packets: a relay that gets no processor for a while sends nothing late
SOUND = 25  # packets that are "heard": half a second


def packets(label: str) -> Iterator[bytes]:
    """An endless program."""
    name = label.encode().ljust(LABEL)
    return (TOC + name + number.to_bytes(4, "big") + bytes(40) for number in itertools.count())


class Host:
    """A publisher on this loop."""

    def __init__(self, event: Event, label: str, gateway: str) -> None:
        """`gateway`: base URL of the one that is asked."""
        self._url = gateway + urlsplit(event.whip_url).path
        self._key = event.host_key
        self._label = label
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.is_over = asyncio.Event()
        """Set when the session has ended, whoever ended it."""

    async def start(self) -> Host:
        """Return when it is connected. ClientError when it is refused."""
        connected: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._publish(connected))
        done, _ = await asyncio.wait([self._task, connected], return_when=asyncio.FIRST_COMPLETED)
        if self._task in done:
            self._task.result()
        return self

    async def stop(self) -> None:
        """End the session, if it has not ended."""
        self._stop.set()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _publish(self, connected: asyncio.Future[None]) -> None:
        peer = new_connection()
        feed = PacketFeed(packets(self._label), clock=time.monotonic, sent=lambda _: None)
        peer.addTransceiver(PacketTrack(feed), direction="sendonly")
        async with rtc_session(self._url, peer, key=self._key) as session:
            connected.set_result(None)
            waits = [asyncio.ensure_future(self._stop.wait()), asyncio.ensure_future(session.ended.wait())]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
            self.is_over.set()


class Ear:
    """A listener that notes what it hears."""

    def __init__(self, http: aiohttp.ClientSession, event: Event, gateway: str) -> None:
        self.heard: Counter[str] = Counter()
        """Packets by label, and those of silence."""
        self._whep = WhepClient(http, gateway + urlsplit(event.whep_url).path)
        self.renew()

    def renew(self) -> None:
        """Be a new listener."""
        self.listener = Listener(
            self._whep, DtlsIdentity(), Histogram(), verify_every=1, on_payload=self._hear
        )

    @property
    def relay_port(self) -> int:
        """UDP port of the relay that serves it."""
        assert self.listener.server is not None
        return self.listener.server[1]

    @property
    def session_path(self) -> str:
        """Of its session URL."""
        session = self.listener._session
        assert session is not None
        return urlsplit(session.url).path

    async def hears(self, label: str, *, within: float = 10.0) -> None:
        """Return after another half second of it."""
        wanted = self.heard[label] + SOUND
        await until(lambda: self.heard[label] >= wanted, within=within, what=f"half a second of {label}")

    def assert_unbroken(self) -> None:
        """The session stands, and what came by it was whole and in order."""
        seen = self.listener.reception
        assert self.listener.failure is None, self.listener.failure
        assert seen.backwards == 0, f"{seen.backwards} packets came again or too late"
        assert seen.lost <= STARVED, f"{seen.lost} packets lost"

    def _hear(self, payload: bytes) -> None:
        is_sound = len(payload) > LABEL
        self.heard[payload[1 : 1 + LABEL].decode().strip() if is_sound else SILENCE] += 1


@contextlib.asynccontextmanager
async def on_air(event: Event, label: str, gateway: str) -> AsyncIterator[Host]:
    """A host for the time of a `with`."""
    host = await Host(event, label, gateway).start()
    try:
        yield host
    finally:
        await host.stop()


@contextlib.asynccontextmanager
async def audience(event: Event, gateway: str, count: int) -> AsyncIterator[list[Ear]]:
    """Listeners who have heard something, for the time of a `with`."""
    async with aiohttp.ClientSession() as http:
        ears = [Ear(http, event, gateway) for _ in range(count)]
        try:
            for ear in ears:
                await join(ear)
            yield ears
        finally:
            await asyncio.gather(*(ear.listener.leave() for ear in ears))


async def join(ear: Ear, *, within: float = 15.0) -> None:
    """Knock until the door opens: the event may not be live yet, or a shard may just have died."""
    end = time.monotonic() + within
    while True:
        try:
            return await ear.listener.join(timeout=3.0)
        except JoinError:
            if time.monotonic() > end:
                raise
            await asyncio.sleep(0.2)
            ear.renew()

"""A host's session that follows the event from stage to stage, make before break, so that nobody hears it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp

from stentor.app.aiortc_taps import new_connection
from stentor.app.host_moves import shards_to_leave, status_url
from stentor.app.http_client import ClientError, client_session
from stentor.app.packet_feed import PacketFeed
from stentor.app.packet_track import PacketTrack
from stentor.app.rtc_session import RtcSession, first_of, rtc_session

LOOK_EVERY = 5.0  # seconds between two looks at the status body, as the host's page
LOOK_AGAIN = 2.0  # after a move that failed
LOOK_WITHIN = 4.0  # for one answer: nothing else is noticed meanwhile
OVERLAP = 1.5  # seconds in which both sessions send: the new stage has a program and leads by then


@dataclass(frozen=True, slots=True)
class _Place:
    """A connected session and how to end it."""

    session: RtcSession
    close: contextlib.AsyncExitStack


class OnAir:
    """Sends a feed to a WHIP endpoint."""

    def __init__(self, url: str, key: str, feed: PacketFeed) -> None:
        self._url = url
        self._key = key
        self._feed = feed
        self._status_url = status_url(url)
        self._place: _Place | None = None
        self.ended = asyncio.Event()
        """Set when the session is over and no other has taken its place."""
        self.moves = 0
        """How often the stage was changed."""

    async def start(self) -> None:
        """Connect. Raises ClientError."""
        self._place = await self._take_place(leaving=None)

    async def follow(self) -> None:
        """Move whenever it is asked for; return when the session is over."""
        wait = LOOK_EVERY
        try:
            while not await self._is_over(wait):
                wait = LOOK_EVERY
                if await self._is_asked() and not await self._move():
                    wait = LOOK_AGAIN
        finally:
            self.ended.set()

    async def close(self) -> None:
        """End the session."""
        if self._place is not None:
            await self._place.close.aclose()

    # -- inside -------------------------------------------------------------------------------------------

    def _here(self) -> _Place:
        assert self._place is not None, "not started"
        return self._place

    async def _is_over(self, seconds: float) -> bool:
        return await first_of(self._here().session.ended, seconds=seconds) is not None

    async def _is_asked(self) -> bool:
        shard = self._here().session.shard
        if self._status_url is None or shard is None:
            return False
        try:
            async with asyncio.timeout(LOOK_WITHIN):
                return shard in shards_to_leave(await _get(self._status_url))
        except (aiohttp.ClientError, TimeoutError, ClientError):
            return False  # a look that failed is made up for by the next

    async def _move(self) -> bool:
        """Whether another stage has us now. Without one we stay where we are."""
        old = self._here()
        try:
            new = await self._take_place(leaving=old.session.shard)
        except ClientError:
            return False
        async with new.close:
            if await first_of(new.session.ended, old.session.ended, seconds=OVERLAP) is new.session.ended:
                return False
            self._place = _Place(new.session, new.close.pop_all())
        self.moves += 1
        await old.close.aclose()
        return True

    async def _take_place(self, *, leaving: int | None) -> _Place:
        peer = new_connection()
        peer.addTransceiver(PacketTrack(self._feed), direction="sendonly")
        close = contextlib.AsyncExitStack()
        opening = rtc_session(self._url, peer, key=self._key, leaving=leaving)
        return _Place(await close.enter_async_context(opening), close)


async def _get(url: str) -> bytes:
    async with client_session() as http, http.get(url) as response:
        return await response.read() if response.status == 200 else b"{}"


@contextlib.asynccontextmanager
async def on_air(url: str, key: str, feed: PacketFeed) -> AsyncIterator[OnAir]:
    """On air at the WHIP endpoint `url` for the time of an `async with`. Raises ClientError."""
    host = OnAir(url, key, feed)
    await host.start()
    following = asyncio.create_task(host.follow(), name="follow the stage")
    try:
        yield host
    finally:
        following.cancel()
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await following
        finally:
            await host.close()

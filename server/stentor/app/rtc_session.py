"""One WHIP or WHEP session of a client command: offer, answer, connected, and DELETE at the end."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urljoin

import aiohttp
from aiortc import RTCPeerConnection, RTCSessionDescription

from stentor.app.http_client import ClientError, client_session, refusal

SHARD_HEADER = "Stentor-Shard"
CONNECT_SECONDS = 15  # aioice gives a candidate pair up after about 10 s


@dataclass(frozen=True, slots=True)
class RtcSession:
    """A session that is connected."""

    url: str
    """The session URL that DELETE goes to."""
    ended: asyncio.Event
    """Set when the connection is over, whoever ended it."""
    shard: int | None = None
    """Which shard it is with; None when the server does not say."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """What a 201 says."""

    url: str
    shard: int | None
    answer: str


@contextlib.asynccontextmanager
async def rtc_session(
    url: str, peer: RTCPeerConnection, *, key: str | None = None, leaving: int | None = None
) -> AsyncIterator[RtcSession]:
    """Connect `peer` to the WHIP or WHEP endpoint `url` (RFC 9725) and end the session on leaving.

    `leaving`: the shard that a session is to be moved away from. Raises ClientError when the server refuses,
    cannot be reached or has no other shard than that, or media does not connect in time.
    """
    connected, ended = _watch(peer)
    async with client_session() as http:
        opened = None
        try:
            await peer.setLocalDescription(await peer.createOffer())
            opened = await _post_offer(http, url, peer.localDescription.sdp, key)
            if leaving is not None and opened.shard == leaving:
                # Connected, it would end the session before it: a shard has one of each publisher.
                raise ClientError("the server has no other shard at the moment")
            await _apply(peer, opened.answer)
            await _wait_connected(connected, ended)
            yield RtcSession(opened.url, ended, opened.shard)
        finally:
            if opened is not None:
                await _delete(http, opened.url, key)
            await peer.close()


def _watch(peer: RTCPeerConnection) -> tuple[asyncio.Event, asyncio.Event]:
    connected, ended = asyncio.Event(), asyncio.Event()

    def state_changed() -> None:
        if peer.connectionState == "connected":
            connected.set()
        elif peer.connectionState in ("failed", "closed"):
            ended.set()

    peer.on("connectionstatechange", state_changed)
    return connected, ended


_NUMBER = re.compile(r"[0-9]{1,10}")


async def _post_offer(http: aiohttp.ClientSession, url: str, sdp: str, key: str | None) -> _Opened:
    headers = {"Content-Type": "application/sdp"} | _authorization(key)
    try:
        async with http.post(url, data=sdp.encode(), headers=headers) as response:
            if response.status != 201:
                raise await refusal(response, "the server refused")
            location = response.headers.get("Location")
            answer = await response.text()
            if not location:
                raise ClientError("the server gave no session URL (Location)")
            shard = response.headers.get(SHARD_HEADER, "")
            return _Opened(
                urljoin(str(response.url), location), int(shard) if _NUMBER.fullmatch(shard) else None, answer
            )
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise ClientError(f"cannot reach {url}: {error or 'no answer in time'}") from error


async def _apply(peer: RTCPeerConnection, answer: str) -> None:
    try:
        await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    except (ValueError, AssertionError) as error:  # what aiortc raises on SDP it does not understand
        raise ClientError(f"the server's answer is not usable: {error}") from error


async def _wait_connected(connected: asyncio.Event, ended: asyncio.Event) -> None:
    first = await first_of(connected, ended, seconds=CONNECT_SECONDS)
    if first is not connected:
        raise ClientError("no audio connection: is the server's UDP port reachable from here?")


async def _delete(http: aiohttp.ClientSession, url: str, key: str | None) -> None:
    # The session ends by consent expiry anyway when the server is gone by now.
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        async with http.delete(url, headers=_authorization(key)):
            pass


def _authorization(key: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


async def first_of(*events: asyncio.Event, seconds: float | None) -> asyncio.Event | None:
    """The first of `events` to be set, in the order given, or None when `seconds` have passed."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    return next((event for event in events if event.is_set()), None)

"""One WHIP or WHEP session of a client command: offer, answer, connected, and DELETE at the end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urljoin

import aiohttp
from aiortc import RTCPeerConnection, RTCSessionDescription

from stentor.app.http_client import ClientError, client_session, refusal

CONNECT_SECONDS = 15  # aioice gives a candidate pair up after about 10 s


@dataclass(frozen=True, slots=True)
class RtcSession:
    """A session that is connected."""

    url: str
    """The session URL that DELETE goes to."""
    ended: asyncio.Event
    """Set when the connection is over, whoever ended it."""


@contextlib.asynccontextmanager
async def rtc_session(
    url: str, peer: RTCPeerConnection, *, key: str | None = None
) -> AsyncIterator[RtcSession]:
    """Connect `peer` to the WHIP or WHEP endpoint `url` (RFC 9725) and end the session on leaving.

    Raises ClientError when the server refuses, cannot be reached, or media does not connect in time.
    """
    connected, ended = _watch(peer)
    async with client_session() as http:
        session_url = None
        try:
            await peer.setLocalDescription(await peer.createOffer())
            session_url, answer = await _post_offer(http, url, peer.localDescription.sdp, key)
            await _apply(peer, answer)
            await _wait_connected(connected, ended)
            yield RtcSession(session_url, ended)
        finally:
            if session_url is not None:
                await _delete(http, session_url, key)
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


async def _post_offer(http: aiohttp.ClientSession, url: str, sdp: str, key: str | None) -> tuple[str, str]:
    headers = {"Content-Type": "application/sdp"} | _authorization(key)
    try:
        async with http.post(url, data=sdp.encode(), headers=headers) as response:
            if response.status != 201:
                raise await refusal(response, "the server refused")
            location = response.headers.get("Location")
            answer = await response.text()
            if not location:
                raise ClientError("the server gave no session URL (Location)")
            return urljoin(str(response.url), location), answer
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

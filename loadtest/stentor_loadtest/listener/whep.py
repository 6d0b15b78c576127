"""WHEP over HTTP: offer in, answer and session URL out (draft-ietf-wish-whep)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urljoin

import aiohttp

from stentor_loadtest.errors import JoinError


@dataclass(frozen=True, slots=True)
class Session:
    """What a 201 carried."""

    url: str
    answer: str
    ticket: str | None


class WhepClient:
    """One endpoint, one connection pool for all listeners."""

    def __init__(self, http: aiohttp.ClientSession, endpoint: str) -> None:
        self._http = http
        self._endpoint = endpoint

    async def start(self, offer: str, *, ticket: str | None = None) -> Session:
        """POST the offer. JoinError(`http STATUS`) for anything but 201."""
        headers = {"Content-Type": "application/sdp"}
        if ticket is not None:
            headers["Stentor-Ticket"] = ticket
        try:
            async with self._http.post(self._endpoint, data=offer.encode(), headers=headers) as response:
                body = await response.text()
                if response.status != 201:
                    raise JoinError(f"http {response.status}", body[:200])
                location = response.headers.get("Location")
                if location is None:
                    raise JoinError("no location", "201 without a session URL")
                url = urljoin(str(response.url), location)
                return Session(url, body, response.headers.get("Stentor-Ticket"))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise JoinError("http failed", repr(error)) from error

    async def end(self, session: Session) -> int:
        """DELETE the session; the status, or 0 when the server cannot be reached."""
        try:
            async with self._http.delete(session.url) as response:
                return response.status
        except (aiohttp.ClientError, TimeoutError):
            return 0

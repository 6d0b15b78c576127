"""How a listener and a server tell each other their ends: what the swarm asks of it, and WHEP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from stentor_loadtest.errors import JoinError
from stentor_loadtest.swarm.http_pool import HttpPool
from stentor_loadtest.wire import sdp
from stentor_loadtest.wire.stun import Address

SESSION_ID = 1 << 62  # of the offers: nobody compares them


@dataclass(frozen=True, slots=True)
class Local:
    """A listener's end."""

    ufrag: str
    password: str
    address: Address
    """Where it is; port 0 when only its socket knows."""


@dataclass(frozen=True, slots=True)
class Remote:
    """The server's end, and how to end the session there."""

    answer: sdp.Answer
    session: str


class Signalling(Protocol):
    """One way to get sessions."""

    async def start(self, local: Local) -> Remote:
        """Get one. JoinError says why there is none."""

    async def end(self, session: str) -> None:
        """Give it back; failing quietly."""

    async def close(self) -> None:
        """No more sessions."""


class WhepSignalling:
    """WHEP over kept-alive connections (draft-ietf-wish-whep), the offer prepared but for its credentials."""

    def __init__(self, target: str, event: str, fingerprint: str) -> None:
        self._pool = HttpPool(target)
        self._path = f"{urlsplit(target).path}/whep/{event}"
        marks = ("%(ufrag)s", "%(password)s")
        self._offer = sdp.build_offer(
            ufrag=marks[0], password=marks[1], fingerprint=fingerprint, session_id=SESSION_ID
        )

    async def start(self, local: Local) -> Remote:
        """POST the offer. JoinError(`http STATUS`) for anything but 201."""
        offer = self._offer % {"ufrag": local.ufrag, "password": local.password}
        response = await self._pool.request("POST", self._path, offer.encode(), kind="application/sdp")
        if response.status != 201:
            raise JoinError(f"http {response.status}", response.body[:200].decode("utf-8", "replace"))
        location = response.header("Location")
        if location is None:
            raise JoinError("no location", "201 without a session URL")
        return Remote(sdp.parse_answer(response.body.decode()), urlsplit(location).path)

    async def end(self, session: str) -> None:
        """DELETE the session."""
        try:
            await self._pool.request("DELETE", session)
        except JoinError:
            return

    async def close(self) -> None:
        """Hang up."""
        self._pool.close()

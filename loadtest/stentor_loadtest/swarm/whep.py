"""WHEP over kept-alive connections (draft-ietf-wish-whep), through one gateway or several in turn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import urlsplit

from stentor_loadtest.errors import JoinError
from stentor_loadtest.swarm.http_pool import HttpPool, Response, UnreachableError
from stentor_loadtest.swarm.signalling import NOBODY, Local, Place, RefusedError, Remote
from stentor_loadtest.wire import sdp

SESSION_ID = 1 << 62  # of the offers: nobody compares them
TICKET, RESUME, SHARD = "Stentor-Ticket", "Stentor-Resume", "Stentor-Shard"
ASK_AGAIN = frozenset({425, 503})


class WhepSignalling:
    """The offer is prepared but for its credentials. A gateway that cannot be reached is passed over."""

    def __init__(self, targets: str | Sequence[str], event: str, fingerprint: str) -> None:
        urls = [targets] if isinstance(targets, str) else list(targets)
        self._gateways = [(HttpPool(url), urlsplit(url).path) for url in urls]
        self._event = event
        self._turn = 0
        marks = ("%(ufrag)s", "%(password)s")
        self._offer = sdp.build_offer(
            ufrag=marks[0], password=marks[1], fingerprint=fingerprint, session_id=SESSION_ID
        )

    async def start(self, local: Local, place: Place = NOBODY) -> Remote:
        """POST the offer. JoinError(`http STATUS`) for anything but 201; RefusedError for 425 and 503."""
        offer = self._offer % {"ufrag": local.ufrag, "password": local.password}
        fields = {"Content-Type": "application/sdp"}
        if place.ticket is not None:
            fields[TICKET] = place.ticket
        if place.resume is not None:
            fields[RESUME] = place.resume
        response = await self._ask("POST", f"/whep/{self._event}", offer.encode(), fields)
        if response.status in ASK_AGAIN:
            raise refusal(response)
        if response.status != 201:
            raise JoinError(f"http {response.status}", response.body[:200].decode("utf-8", "replace"))
        location = response.header("Location")
        if location is None:
            raise JoinError("no location", "201 without a session URL")
        shard = response.header(SHARD)
        return Remote(
            sdp.parse_answer(response.body.decode()),
            urlsplit(location).path,
            shard=int(shard) if shard is not None and shard.isdecimal() else None,
            place=Place(response.header(TICKET), response.header(RESUME)),
        )

    async def end(self, session: str) -> None:
        """DELETE the session: any gateway knows it by its URL."""
        try:
            await self._ask("DELETE", session)
        except JoinError:
            return

    async def status(self) -> bytes:
        """The event's status body. JoinError when no gateway has it."""
        response = await self._ask("GET", f"/api/events/{self._event}/status")
        if response.status != 200:
            raise JoinError(f"status {response.status}")
        return response.body

    async def close(self) -> None:
        """Hang up."""
        for pool, _ in self._gateways:
            pool.close()

    async def _ask(
        self, method: str, path: str, body: bytes = b"", fields: dict[str, str] | None = None
    ) -> Response:
        """The next gateway's answer; of all that cannot be reached the last one's error."""
        for attempt in range(len(self._gateways)):
            pool, base = self._gateways[self._turn % len(self._gateways)]
            self._turn += 1
            whole = path if path.startswith(base) else base + path
            try:
                return await pool.request(method, whole, body, fields=fields)
            except UnreachableError:
                if attempt == len(self._gateways) - 1:
                    raise
        raise AssertionError("there is always one gateway")


def refusal(response: Response) -> RefusedError:
    """A 425 or 503: Retry-After in seconds (RFC 9110 section 10.2.3), the ticket from the problem body."""
    wait = response.header("Retry-After") or ""
    ticket = None
    try:
        document = json.loads(response.body)
        if isinstance(document, dict) and isinstance(document.get("ticket"), str):
            ticket = document["ticket"]
    except (ValueError, RecursionError):
        pass  # a proxy's own page: it says when, at most
    return RefusedError(
        response.status,
        wait=float(wait) if wait.isdecimal() else 0.0,
        place=Place(ticket),
        detail=response.body[:200].decode("utf-8", "replace"),
    )

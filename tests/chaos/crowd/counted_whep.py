"""WHEP whose every answer is counted, with as many connections as a crowd of strangers would open."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from urllib.parse import urlsplit

from stentor_loadtest.errors import JoinError
from stentor_loadtest.swarm.http_pool import HttpPool, Response, UnreachableError
from stentor_loadtest.swarm.signalling import Place
from stentor_loadtest.swarm.whep import WhepSignalling

CONNECTIONS = 1000  # at once to each gateway; further people wait for one, as part of their join


class CountedWhep(WhepSignalling):
    """`answers` by method, what was asked for and status; `resets` when there was none."""

    def __init__(self, targets: Sequence[str], event: str, fingerprint: str) -> None:
        super().__init__(targets, event, fingerprint)
        self._gateways = [(HttpPool(url, most=CONNECTIONS), urlsplit(url).path) for url in targets]
        self.answers: Counter[str] = Counter()
        self.resets = 0

    async def take_place(self) -> tuple[Place, int]:
        """A place in line without asking for a seat, and its arrival in ms. JoinError when there is none."""
        response = await self._ask("POST", f"/api/events/{self._event}/ticket")
        if response.status != 201:
            raise JoinError(f"ticket {response.status}")
        fields = json.loads(response.body)
        return Place(fields["ticket"]), int(fields["arrival"])

    async def _ask(
        self, method: str, path: str, body: bytes = b"", fields: dict[str, str] | None = None
    ) -> Response:
        try:
            response = await super()._ask(method, path, body, fields)
        except UnreachableError:
            self.resets += 1
            raise
        self.answers[f"{method} {_what(path)} {response.status}"] += 1
        return response


def _what(path: str) -> str:
    return "whep" if path.startswith("/whep/") else path.rpartition("/")[2]

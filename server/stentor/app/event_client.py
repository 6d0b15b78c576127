"""Asks a running server to create an event."""

from __future__ import annotations

from typing import Any

import aiohttp

from stentor.app.http_client import ClientError, client_session, refusal


async def create_event(server: str, *, title: str, starts_at: str | None) -> dict[str, Any]:
    """`POST /api/events` at `server` (URL). Returns the event; raises ClientError when there is none."""
    body = {"title": title} | ({"starts_at": starts_at} if starts_at else {})
    url = server.rstrip("/") + "/api/events"
    try:
        async with client_session() as http, http.post(url, json=body) as response:
            if response.status != 201:
                raise await refusal(response, "the server did not create the event")
            answer = await response.json()
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise ClientError(f"cannot reach {url}: {error}") from error
    if not isinstance(answer, dict):
        raise ClientError(f"{url} answered something that is not an event")
    return answer

"""What the client commands share when they talk HTTP: a session with limits, and readable errors."""

from __future__ import annotations

import json

import aiohttp

from stentor.core.errors import RemoteError

TIMEOUT = aiohttp.ClientTimeout(total=10, connect=5)  # seconds: signalling is one small exchange


class ClientError(RemoteError):
    """The server, or the way to it, did not do what a client command needs. The text is for the terminal."""


def client_session() -> aiohttp.ClientSession:
    """A session with time limits. Goes straight to the server: media does not pass an HTTP proxy either."""
    return aiohttp.ClientSession(timeout=TIMEOUT)


async def refusal(response: aiohttp.ClientResponse, what: str) -> ClientError:
    """A readable error from an answer that was not wanted (problem+json of RFC 9457 where it has one)."""
    text = (await response.content.read(4096)).decode("utf-8", "replace")
    retry = response.headers.get("Retry-After")
    again = f"; try again in {retry} s" if retry else ""
    return ClientError(
        f"{what}: {response.status} {_detail(text) or response.reason}{again}", status=response.status
    )


def _detail(text: str) -> str:
    try:
        problem = json.loads(text)
    except ValueError:
        return " ".join(text.split())[:200]
    if not isinstance(problem, dict):
        return ""
    title, detail = problem.get("title"), problem.get("detail")
    return ": ".join(str(part).rstrip(".") for part in (title, detail) if part)

"""Reading request bodies: the right type, not too large, not too slow."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

from stentor.gateway.problems import ProblemError

MAX_BODY = 64 * 1024  # bytes: a browser's offer has 2 to 4 KiB


async def read_body(
    request: web.Request, content_type: str, *, seconds: float, accept: Mapping[str, str] | None = None
) -> bytes:
    """The body. ProblemError 415 (with the headers `accept`), 408 or 413."""
    if request.content_type != content_type:
        raise ProblemError("unsupported-media-type", f"Send Content-Type: {content_type}.", headers=accept)
    try:
        async with asyncio.timeout(seconds):
            return await request.read()
    except TimeoutError:
        closing = {"Connection": "close"}
        raise ProblemError(
            "slow-body", f"The body was not there after {seconds:g} s.", headers=closing
        ) from None


async def read_text(
    request: web.Request,
    content_type: str,
    *,
    slug: str,
    seconds: float,
    accept: Mapping[str, str] | None = None,
) -> str:
    """The body as UTF-8; `slug` is the problem when it is not."""
    body = await read_body(request, content_type, seconds=seconds, accept=accept)
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise ProblemError(slug, "The body is not UTF-8.") from None

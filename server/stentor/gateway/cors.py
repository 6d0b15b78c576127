"""Cross-origin access: any site may embed a player. No cookies are used, so `*` gives nothing away."""

from __future__ import annotations

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

TICKET_HEADER = "Stentor-Ticket"
RESUME_HEADER = "Stentor-Resume"
SHARD_HEADER = "Stentor-Shard"

_EXPOSED = (
    *("Location", "Link", "ETag", "Accept-Patch", "Accept-Post", "Retry-After"),
    *(TICKET_HEADER, RESUME_HEADER, SHARD_HEADER),
)

CORS_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": ", ".join(_EXPOSED),
}

_PREFLIGHT = {
    "Access-Control-Allow-Headers": ", ".join(
        ("Authorization", "Content-Type", "If-Match", TICKET_HEADER, RESUME_HEADER)
    ),
    "Access-Control-Max-Age": "86400",  # seconds; browsers cap it themselves (Chromium: two hours)
}


async def add_cors(request: web.Request, response: web.StreamResponse) -> None:
    """Signal handler of every response."""
    for name, value in CORS_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers[hdrs.SERVER] = "stentor"  # not the version of every library below


def preflight_response(methods: str) -> web.Response:
    """The answer to OPTIONS: what may be done here (`methods` separated by commas), from any origin."""
    return web.Response(
        headers={**_PREFLIGHT, hdrs.ALLOW: methods, "Access-Control-Allow-Methods": methods},
    )


@web.middleware
async def answer_options(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers OPTIONS for every resource that does not do so itself."""
    try:
        return await handler(request)
    except web.HTTPMethodNotAllowed as error:
        if request.method != hdrs.METH_OPTIONS:
            raise
        return preflight_response(", ".join(sorted({*error.allowed_methods, hdrs.METH_OPTIONS})))

"""Where a request came from and what it came to."""

from __future__ import annotations

import re

from aiohttp import web

from stentor.core.admission.gcra import network_key
from stentor.gateway.deps import GatewaySettings
from stentor.gateway.problems import ProblemError

# A host name, an IPv4 address or a bracketed IPv6 address, with or without a port (RFC 3986 section 3.2.2).
# It is copied into links that people share, so nothing else may get through.
_HOST = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")


def client_network(request: web.Request, settings: GatewaySettings) -> str:
    """What shares a rate limit with this client, see `gcra.network_key`."""
    if settings.trust_forwarded:
        # The last entry is the one our own proxy wrote; the others are whatever the client claims.
        forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        if forwarded:
            return network_key(forwarded)
    return network_key(request.remote or "")


def base_url(request: web.Request, settings: GatewaySettings) -> str:
    """Start of absolute links, without a slash at the end. ProblemError for a Host that is none."""
    if settings.public_url is not None:
        return settings.public_url
    if _HOST.fullmatch(request.host) is None:
        raise ProblemError("bad-host", "The Host header is not a host name or address.")
    scheme = request.scheme
    if settings.trust_forwarded and request.headers.get("X-Forwarded-Proto") in ("http", "https"):
        scheme = request.headers["X-Forwarded-Proto"]
    return f"{scheme}://{request.host}"

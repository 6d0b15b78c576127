"""Bearer tokens (RFC 6750): host keys and the operator's token."""

from __future__ import annotations

import hashlib
import hmac

from aiohttp import hdrs, web

from stentor.gateway.problems import ProblemError

_REALM = 'Bearer realm="stentor"'


def key_hash(key: str) -> bytes:
    """What is kept of a key: sha-256. Keys are 192 random bits, so nothing slower is needed."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def has_bearer(request: web.Request, wanted_hash: bytes) -> bool:
    """Whether the request carries the token with this hash."""
    try:
        require_bearer(request, wanted_hash)
    except ProblemError:
        return False
    return True


def require_bearer(request: web.Request, wanted_hash: bytes) -> None:
    """Return when the request carries the token with this hash; ProblemError 401 otherwise."""
    given = request.headers.getall(hdrs.AUTHORIZATION, [])
    scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token.strip():
        raise ProblemError(
            "unauthorized",
            "Send Authorization: Bearer with the key.",
            headers={hdrs.WWW_AUTHENTICATE: _REALM},
        )
    if not hmac.compare_digest(key_hash(token.strip()), wanted_hash):
        challenge = f'{_REALM}, error="invalid_token"'
        raise ProblemError("unauthorized", "The key is wrong.", headers={hdrs.WWW_AUTHENTICATE: challenge})

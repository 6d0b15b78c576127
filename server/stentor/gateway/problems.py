"""Every error of the HTTP side as problem+json (RFC 9457), and nothing of our insides in any of them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from stentor.cluster.directory import StoreUnavailableError
from stentor.gateway.cors import CORS_HEADERS
from stentor.gateway.raw_http import raw_head

_log = logging.getLogger(__name__)

TYPE_PREFIX = "urn:stentor:problem:"
_CONTENT_TYPE = "application/problem+json"

KINDS: Final[Mapping[str, tuple[int, str]]] = {
    "bad-request": (400, "The request is not valid HTTP"),
    "bad-host": (400, "The Host header is not a host"),
    "malformed-json": (400, "The body is not JSON"),
    "malformed-sdp": (400, "The body is not valid SDP"),
    "malformed-fragment": (400, "The body is not a valid trickle ICE fragment"),
    "unauthorized": (401, "The key is missing or wrong"),
    "not-found": (404, "There is nothing here"),
    "no-such-event": (404, "There is no such event"),
    "no-such-session": (404, "There is no such session"),
    "method-not-allowed": (405, "This method is not for this resource"),
    "slow-head": (408, "The request took too long"),
    "slow-body": (408, "The body took too long"),
    "not-live": (409, "The event has not started yet"),
    "too-many-restarts": (409, "This session cannot be restarted any more"),
    "event-ended": (410, "The event has ended"),
    "stale-etag": (412, "If-Match names an ICE session that is no longer the current one"),
    "too-large": (413, "The body is too large"),
    "unsupported-media-type": (415, "The body has the wrong type"),
    "expectation-failed": (417, "Only 100-continue can be expected"),
    "invalid-event": (422, "The event cannot be created like this"),
    "invalid-ptime": (422, "Packets cannot be that long"),
    "unsupported-sdp": (422, "The offer asks for something that is not supported"),
    "too-early": (425, "It is not your turn yet"),
    "etag-required": (428, "If-Match is required"),
    "rate-limited": (429, "Too many requests from this network"),
    "internal": (500, "Something went wrong on our side"),
    "no-room": (503, "There is no room right now"),
    "in-line": (503, "There is a line"),
    "draining": (503, "This server is about to stop"),
    "overloaded": (503, "This server has too many connections"),
    "store-unavailable": (503, "The event records cannot be reached right now"),
    "not-ready": (503, "This server cannot take anybody right now"),
    "pages-not-built": (503, "The pages have not been built"),
}
"""Slug -> status and title."""

_SLUG_OF_STATUS = {
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "unsupported-media-type",
    417: "expectation-failed",
}


class ProblemError(Exception):
    """Raised by a handler to answer with a problem."""

    def __init__(
        self,
        slug: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, object] | None = None,
    ) -> None:
        """`slug` is one of KINDS; `detail` is for whoever made this request; `headers` go along.

        `members` are further members of the body (RFC 9457 section 3.2).
        """
        super().__init__(f"{slug}: {detail}")
        self.slug = slug
        self.detail = detail
        self.status, self.title = KINDS[slug]
        self.headers: dict[str, str] = dict(headers or {})
        self.members: dict[str, object] = dict(members or {})

    def body(self) -> bytes:
        """The JSON."""
        return msgspec.json.encode(
            {
                "type": TYPE_PREFIX + self.slug,
                "title": self.title,
                "status": self.status,
                "detail": self.detail,
                **self.members,
            }
        )


def problem_response(problem: ProblemError) -> web.Response:
    """The answer for a problem."""
    return web.Response(
        status=problem.status,
        body=problem.body(),
        content_type=_CONTENT_TYPE,
        headers={**CORS_HEADERS, "Cache-Control": "no-store", **problem.headers},
    )


def raw_problem(problem: ProblemError) -> bytes:
    """The same as bytes for the socket, for a connection that is closed after it."""
    body = problem.body()
    headers = {
        "Content-Type": _CONTENT_TYPE,
        **CORS_HEADERS,
        "Cache-Control": "no-store",
        **problem.headers,
        "Content-Length": str(len(body)),
        "Connection": "close",
        "Server": "stentor",
    }
    return raw_head(f"{problem.status} {HTTPStatus(problem.status).phrase}", headers) + body


def problem_from(error: web.HTTPException) -> ProblemError:
    """What aiohttp raised by itself, as a problem."""
    slug = _SLUG_OF_STATUS.get(error.status)
    if slug is None:
        slug = "bad-request" if error.status < 500 else "internal"
    kept = {name: value for name, value in error.headers.items() if name == "Allow"}
    return ProblemError(slug, _DETAILS.get(slug, KINDS[slug][1] + "."), headers=kept)


_DETAILS = {
    "not-found": "No page and no resource has this path.",
    "method-not-allowed": "See the Allow header for the methods of this resource.",
    "too-large": "A body may have at most 65536 bytes.",
}


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Outermost middleware: whatever is raised inside becomes an answer."""
    try:
        return await handler(request)
    except ProblemError as problem:
        return problem_response(problem)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return problem_response(problem_from(error))
    except web.RequestPayloadError:
        return problem_response(
            ProblemError("bad-request", "The body ended early or is not encoded as said.")
        )
    except StoreUnavailableError:
        detail = "Who is listening is not affected. Try again in a moment."
        return problem_response(ProblemError("store-unavailable", detail, headers={"Retry-After": "2"}))
    except Exception:
        resource = request.match_info.route.resource
        where = "unknown resource" if resource is None else resource.canonical
        _log.exception("%s %s failed", request.method, where)
        return problem_response(ProblemError("internal", "The operator's log has the details."))

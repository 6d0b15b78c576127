"""Recognising the one request that a whole audience sends, so that it is answered without being parsed.

Everything that is not plainly that request goes the usual way through the parser: a header more that would
change how the answer is sent, a body, two requests in one segment, half of one.
"""

from __future__ import annotations

from email.utils import formatdate

from stentor.core.ids import is_event_id
from stentor.gateway.cors import CORS_HEADERS
from stentor.gateway.raw_http import raw_head

MAX_HEAD = 4096  # bytes; a browser's has about 700

_START = b"GET /api/events/"
_END = b"/status HTTP/1.1\r\n"
_LONGEST_TARGET = len(_START) + 32 + len(_END)  # an event id has at most 32 characters

# They would give the request a body, or the answer another shape.
_UNUSUAL = (b"\r\ncontent-", b"\r\ntransfer-", b"\r\nexpect", b"\r\nupgrade", b"\r\n ", b"\r\n\t", b"\0")
_KEEP_ALIVE = b"\r\nconnection: keep-alive\r\n"


def status_asked_for(data: bytes) -> str | None:
    """The event id when `data` is exactly one `GET /api/events/{id}/status` without a body; else None."""
    if not data.startswith(_START) or not is_whole_get(data):
        return None
    end = data.find(_END, len(_START), _LONGEST_TARGET)
    if end < 0:
        return None
    headers = data[end + len(_END) - 2 :].lower()
    if headers.count(b"\r\nhost:") != 1:
        return None  # RFC 9112 section 3.2: the parser refuses it with 400
    if headers.count(b"\r\nconnection") != headers.count(_KEEP_ALIVE):
        return None
    event_id = data[len(_START) : end].decode("latin-1")
    return event_id if is_event_id(event_id) else None


def is_whole_get(data: bytes) -> bool:
    """Whether `data` is one whole GET request without a body, and nothing after it."""
    if len(data) > MAX_HEAD or not data.startswith(b"GET ") or data.find(b"\r\n\r\n") != len(data) - 4:
        return False
    lines = data.count(b"\r\n")
    if data.count(b"\n") != lines or data.count(b"\r") != lines:
        return False
    lower = data.lower()
    return not any(name in lower for name in _UNUSUAL)


def status_answer(body: bytes, *, now: float) -> bytes:
    """The whole answer to it, head and body, as it goes into the socket. `now` in Unix seconds."""
    headers = {
        "Content-Type": "application/json",
        "Cache-Control": "public, max-age=1",
        **CORS_HEADERS,
        "X-Content-Type-Options": "nosniff",
        "Content-Length": str(len(body)),
        "Date": formatdate(now, usegmt=True),
        "Server": "stentor",
    }
    return raw_head("200 OK", headers) + body

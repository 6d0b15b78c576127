from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.gateway.ready_bytes import is_whole_get, status_answer, status_asked_for

HEAD = b"GET /api/events/abcd23/status HTTP/1.1\r\nHost: x\r\n"


def test_plain_status_request_is_recognised() -> None:
    assert status_asked_for(HEAD + b"\r\n") == "abcd23"
    assert status_asked_for(HEAD + b"Accept: */*\r\nConnection: keep-alive\r\n\r\n") == "abcd23"


UNUSUAL = {
    "half a head": HEAD,
    "two requests": (HEAD + b"\r\n") * 2,
    "a body": HEAD + b"Content-Length: 3\r\n\r\n",
    "chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
    "bytes after it": HEAD + b"\r\nabc",
    "wants the connection closed": HEAD + b"Connection: close\r\n\r\n",
    "two wishes for the connection": HEAD + b"Connection: keep-alive, close\r\n\r\n",
    "an expectation": HEAD + b"Expect: 100-continue\r\n\r\n",
    "an upgrade": HEAD + b"Upgrade: websocket\r\n\r\n",
    "a folded header": HEAD + b"A: b\r\n c\r\n\r\n",
    "a bare line feed": HEAD + b"A: b\nC: d\r\n\r\n",
    "a NUL": HEAD + b"A: b\x00\r\n\r\n",
    "two hosts": HEAD + b"Host: y\r\n\r\n",
    "no host": b"GET /api/events/abcd23/status HTTP/1.1\r\n\r\n",
    "HTTP/1.0": HEAD.replace(b"1.1", b"1.0") + b"\r\n",
    "a query": HEAD.replace(b"status", b"status?x=1") + b"\r\n",
    "an escaped id": HEAD.replace(b"abcd23", b"%61bcd23") + b"\r\n",
    "an id that is none": HEAD.replace(b"abcd23", b"../etc") + b"\r\n",
    "HEAD": HEAD.replace(b"GET", b"HEAD") + b"\r\n",
    "a very long head": HEAD + b"A: " + b"a" * 5000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_anything_unusual_goes_through_the_parser(name: str) -> None:
    assert status_asked_for(UNUSUAL[name]) is None


@given(st.binary(max_size=200), st.sampled_from([b"", HEAD, HEAD + b"\r\n", b"GET / HTTP/1.1\r\n"]))
@settings(max_examples=200)
def test_whatever_is_recognised_is_one_whole_get_without_a_body(junk: bytes, head: bytes) -> None:
    for data in (junk, head + junk, head + junk + b"\r\n\r\n"):
        event = status_asked_for(data)
        if event is None:
            continue
        assert is_whole_get(data) and data.count(b"\r\n\r\n") == 1 and data.endswith(b"\r\n\r\n")
        assert b"content-length" not in data.lower() and b"transfer-encoding" not in data.lower()


def test_answer_is_whole_and_says_its_length() -> None:
    head, _, body = status_answer(b'{"a":1}', now=0.0).partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 200 OK" and body == b'{"a":1}'
    assert b"Content-Length: 7" in lines and b"Date: Thu, 01 Jan 1970 00:00:00 GMT" in lines
    assert b"Cache-Control: public, max-age=1" in lines and b"Access-Control-Allow-Origin: *" in lines

"""What malformed HTTP gets: the exact status and problem, never an inside, never a crash."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from stentor.gateway.deps import GatewaySettings
from support.gateway_server import Gateway, assert_problem, running_gateway
from support.wire_samples import sdp_sample

pytestmark = pytest.mark.asyncio(loop_scope="module")

OFFER = sdp_sample("chromium_whep")
BODY_TIMEOUT = 0.3  # seconds


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    settings = GatewaySettings(body_timeout=BODY_TIMEOUT)
    async with running_gateway(tmp_path_factory.mktemp("state"), settings=settings) as gateway:
        yield gateway


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(gateway: Gateway) -> dict[str, str]:
    return await gateway.new_event(live=True)


@pytest.fixture(autouse=True)
def _heard(gateway: Gateway) -> None:
    gateway.beat()


async def post(
    gateway: Gateway, path: str, body: bytes, content_type: str, **headers: str
) -> tuple[int, Any, bytes]:
    sent = {"Content-Type": content_type, **headers}
    async with gateway.http.post(
        path, data=body, headers=sent, skip_auto_headers=["Content-Type"]
    ) as response:
        return response.status, response.headers, await response.read()


def event_body(**fields: object) -> bytes:
    return json.dumps(fields).encode()


BAD_EVENTS = {
    "empty body": (b"", 400, "malformed-json", "not JSON"),
    "not JSON": (b"title=x", 400, "malformed-json", "not JSON"),
    "cut short": (b'{"title": "x"', 400, "malformed-json", "not JSON"),
    "not UTF-8": (b'{"title": "\xff"}', 400, "malformed-json", "not JSON"),
    "two documents": (b'{"title": "x"} {}', 400, "malformed-json", "not JSON"),
    "a list": (b"[]", 422, "invalid-event", "Expected `object`"),
    "very deep": (b"[" * 60_000, 422, "invalid-event", "Expected `object`"),
    "no title": (b"{}", 422, "invalid-event", "`title`"),
    "title of a wrong type": (event_body(title=1), 422, "invalid-event", "$.title"),
    "title null": (event_body(title=None), 422, "invalid-event", "$.title"),
    "title empty": (event_body(title=""), 422, "invalid-event", "`title`"),
    "title of spaces": (event_body(title=" \u00a0 "), 422, "invalid-event", "`title`"),
    "title too long": (event_body(title="x" * 201), 422, "invalid-event", "201"),
    "title with a line break": (event_body(title="a\nb"), 422, "invalid-event", "control"),
    "title with a NUL": (event_body(title="a\0b"), 422, "invalid-event", "control"),
    "title with a C1 control": (event_body(title="a\x85b"), 422, "invalid-event", "control"),
    "title with a line separator": (event_body(title="a\u2028b"), 422, "invalid-event", "control"),
    "unknown field": (event_body(title="x", colour="red"), 422, "invalid-event", "`colour`"),
    "time without zone": (
        event_body(title="x", starts_at="2030-01-01T10:00:00"),
        422,
        "invalid-event",
        "zone",
    ),
    "time that is only a date": (event_body(title="x", starts_at="2030-01-01"), 422, "invalid-event", "zone"),
    "time that is none": (event_body(title="x", starts_at="tomorrow"), 422, "invalid-event", "`starts_at`"),
    "time as a number": (event_body(title="x", starts_at=17), 422, "invalid-event", "$.starts_at"),
    "time out of range": (
        event_body(title="x", starts_at="0001-01-01T00:00:00+14:00"),
        422,
        "invalid-event",
        "2000",
    ),
    "time very long": (event_body(title="x", starts_at="2030" * 1000), 422, "invalid-event", "`starts_at`"),
}


@pytest.mark.parametrize("name", BAD_EVENTS)
async def test_bad_event_is_refused_and_the_field_named(gateway: Gateway, name: str) -> None:
    body, status, slug, told = BAD_EVENTS[name]
    answer = await post(gateway, "/api/events", body, "application/json")
    assert told in assert_problem(*answer, wanted=status, slug=slug)["detail"]


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "", "x" * 300, "/;;="]
)
async def test_event_of_another_media_type_is_refused(gateway: Gateway, content_type: str) -> None:
    answer = await post(gateway, "/api/events", event_body(title="x"), content_type)
    assert_problem(*answer, wanted=415, slug="unsupported-media-type")
    assert answer[1]["Accept-Post"] == "application/json"


VIDEO = sdp_sample("chromium_audio_video")

BAD_OFFERS = {
    "empty": ("", 400, "malformed-sdp"),
    "text": ("hello", 400, "malformed-sdp"),
    "JSON": ('{"type": "offer"}', 400, "malformed-sdp"),
    "wrong version": (OFFER.replace("v=0", "v=1", 1), 400, "malformed-sdp"),
    "no ICE password": ("".join(OFFER.partition("a=ice-pwd")[::2]), 400, "malformed-sdp"),
    "no fingerprint": (OFFER.replace("a=fingerprint", "a=finger"), 400, "malformed-sdp"),
    "broken fingerprint": (
        OFFER.replace("a=fingerprint:sha-256 B0", "a=fingerprint:sha-256 ZZ"),
        400,
        "malformed-sdp",
    ),
    "no media": (OFFER.partition("m=audio")[0], 422, "unsupported-sdp"),
    "video too": (VIDEO, 422, "unsupported-sdp"),
    "only sha-1": (OFFER.replace("sha-256", "sha-1"), 422, "unsupported-sdp"),
    "wrong direction": (OFFER.replace("a=recvonly", "a=sendonly"), 422, "unsupported-sdp"),
    "no Opus": (OFFER.replace("opus/48000/2", "speex/16000"), 422, "unsupported-sdp"),
    "no rtcp-mux": (OFFER.replace("a=rtcp-mux\r\n", ""), 422, "unsupported-sdp"),
    "listener as DTLS server": (OFFER.replace("a=setup:actpass", "a=setup:passive"), 422, "unsupported-sdp"),
}


@pytest.mark.parametrize("name", BAD_OFFERS)
async def test_bad_offer_is_refused_with_the_reason(
    gateway: Gateway, live: dict[str, str], name: str
) -> None:
    text, status, slug = BAD_OFFERS[name]
    answer = await post(gateway, f"/whep/{live['id']}", text.encode(), "application/sdp")
    assert_problem(*answer, wanted=status, slug=slug)


async def test_offer_that_is_not_utf8_is_refused(gateway: Gateway, live: dict[str, str]) -> None:
    answer = await post(gateway, f"/whep/{live['id']}", b"v=0\r\n\xff\xfe", "application/sdp")
    assert_problem(*answer, wanted=400, slug="malformed-sdp")


async def test_offer_of_another_media_type_says_which_one_is_wanted(
    gateway: Gateway, live: dict[str, str]
) -> None:
    answer = await post(gateway, f"/whep/{live['id']}", OFFER.encode(), "application/json")
    assert_problem(*answer, wanted=415, slug="unsupported-media-type")
    assert answer[1]["Accept-Post"] == "application/sdp"


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_body_beyond_the_limit_is_refused_also_when_it_is_packed(
    gateway: Gateway, live: dict[str, str], encoding: str
) -> None:
    body = b"v=0\r\n" + b"a" * 70_000
    packed = gzip.compress(body) if encoding == "gzip" else body
    answer = await post(
        gateway, f"/whep/{live['id']}", packed, "application/sdp", **{"Content-Encoding": encoding}
    )
    assert_problem(*answer, wanted=413, slug="too-large")


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_body_that_is_not_packed_as_it_says_is_refused(
    gateway: Gateway, live: dict[str, str], encoding: str
) -> None:
    head = f"POST /whep/{live['id']} HTTP/1.1\r\nHost: x\r\nContent-Type: application/sdp\r\n"
    packed = f"Content-Length: 9\r\nContent-Encoding: {encoding}\r\n\r\nnot that!"
    answer = await gateway.raw(f"{head}{packed}".encode())
    assert_problem(*answer, wanted=400, slug="bad-request")


BAD_FRAGMENTS = {
    "empty": "",
    "text": "hello",
    "candidate cut short": "a=candidate:1 1 udp\r\n",
    "password without ufrag": f"a=ice-pwd:{'p' * 24}\r\n",
}


@pytest.mark.parametrize("name", BAD_FRAGMENTS)
async def test_bad_fragment_is_refused_with_the_reason(
    gateway: Gateway, live: dict[str, str], name: str
) -> None:
    sdp = {"Content-Type": "application/sdp"}
    async with gateway.http.post(f"/whep/{live['id']}", data=OFFER, headers=sdp) as response:
        location, etag = response.headers["Location"], response.headers["ETag"]
    fragment = {"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": etag}
    async with gateway.http.patch(location, data=BAD_FRAGMENTS[name], headers=fragment) as response:
        answer = response.status, response.headers, await response.read()
    assert_problem(*answer, wanted=400, slug="malformed-fragment")


async def test_patch_of_another_media_type_and_restart_without_credentials_are_refused(
    gateway: Gateway, live: dict[str, str]
) -> None:
    sdp = {"Content-Type": "application/sdp"}
    async with gateway.http.post(f"/whep/{live['id']}", data=OFFER, headers=sdp) as response:
        location = response.headers["Location"]
    async with gateway.http.patch(location, data="{}", headers={**sdp, "If-Match": "*"}) as response:
        answer = response.status, response.headers, await response.read()
        assert response.headers["Accept-Patch"] == "application/trickle-ice-sdpfrag"
    assert_problem(*answer, wanted=415, slug="unsupported-media-type")
    candidate = "a=candidate:1 1 udp 2130706431 198.51.100.1 39132 typ host\r\n"
    restart = {"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": "*"}
    async with gateway.http.patch(location, data=candidate, headers=restart) as response:
        answer = response.status, response.headers, await response.read()
    assert_problem(*answer, wanted=400, slug="malformed-fragment")


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("GET", "/api/events/", 404, "not-found"),
        ("GET", "/api/events/UPPER", 404, "no-such-event"),
        ("GET", "/api/events/a%00b", 404, "no-such-event"),
        ("GET", "/api/events/" + "a" * 4000, 404, "no-such-event"),
        ("GET", "/api/events/..%2f..%2fetc", 404, "no-such-event"),
        ("GET", "/api/events/zzzzzzzzzzzz/status", 404, "no-such-event"),
        ("POST", "/api/events/zzzzzzzzzzzz/end", 404, "no-such-event"),
        ("POST", "/whep/zzzzzzzzzzzz", 404, "no-such-event"),
        ("POST", "/whip/zzzzzzzzzzzz", 404, "no-such-event"),
        ("GET", "/whep/zzzzzzzzzzzz", 404, "no-such-event"),
        ("GET", "/assets/%2e%2e%2fsecrets.json", 404, "not-found"),
        ("GET", "/assets/..%2fsecrets.json", 404, "not-found"),
        ("GET", "/assets/.hidden", 404, "not-found"),
        ("PUT", "/api/events", 405, "method-not-allowed"),
        ("DELETE", "/healthz", 405, "method-not-allowed"),
        ("PATCH", "/whep/zzzzzzzzzzzz", 405, "method-not-allowed"),
        ("PROPFIND", "/e/abcd", 405, "method-not-allowed"),
    ],
)
async def test_wrong_path_or_method_is_a_problem_too(
    gateway: Gateway, method: str, path: str, status: int, slug: str
) -> None:
    answer = await gateway.raw(
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode()
    )
    assert_problem(*answer, wanted=status, slug=slug)
    assert (status == 405) == ("allow" in answer[1])


RAW = {
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "no target": b"GET\r\n\r\n",
    "unknown method": b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
    "wrong version": b"GET / HTTP/9.9.9\r\nHost: x\r\n\r\n",
    "header without colon": b"GET / HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n",
    "space before the colon": b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    "NUL in a header": b"GET / HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n",
    "header too long": b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 9000 + b"\r\n\r\n",
    "target too long": b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "too many headers": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 200 + b"\r\n",
    "length that is none": b"POST /api/events HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n",
    "negative length": b"POST /api/events HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length and chunks (smuggling)": (
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
}


@pytest.mark.parametrize("name", RAW)
async def test_bytes_that_are_not_http_get_a_problem_and_the_connection_is_closed(
    gateway: Gateway, name: str
) -> None:
    answer = await gateway.raw(RAW[name])
    assert_problem(*answer, wanted=400, slug="bad-request")
    assert answer[1]["connection"] == "close"


async def test_connection_that_sends_no_whole_request_is_closed(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, settings=GatewaySettings(idle_timeout=0.2)) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")  # and never the empty line
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


async def test_chunk_that_is_malformed_is_refused(gateway: Gateway, live: dict[str, str]) -> None:
    head = f"POST /whep/{live['id']} HTTP/1.1\r\nHost: x\r\nContent-Type: application/sdp\r\n"
    answer = await gateway.raw(f"{head}Transfer-Encoding: chunked\r\n\r\nzz\r\nv=0\r\n".encode())
    assert_problem(*answer, wanted=400, slug="bad-request")


async def test_expectation_that_is_unknown_is_refused(gateway: Gateway) -> None:
    for path in ("/api/events", "/nowhere"):
        answer = await gateway.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\n\r\n".encode())
        assert_problem(*answer, wanted=417, slug="expectation-failed")


@pytest.mark.parametrize(
    "host", ["", "a b", "x/../y", "evil.example\\@good.example", "[::1", "h:123456", "<script>"]
)
async def test_host_that_is_none_gets_into_no_link(gateway: Gateway, host: str) -> None:
    body = event_body(title="x")
    head = f"POST /api/events HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    answer = await gateway.raw(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    assert_problem(*answer, wanted=400, slug="bad-host")


async def test_body_that_never_comes_is_given_up(gateway: Gateway, live: dict[str, str]) -> None:
    head = f"POST /whep/{live['id']} HTTP/1.1\r\nHost: x\r\nContent-Type: application/sdp\r\n"
    answer = await gateway.raw(f"{head}Content-Length: 900\r\n\r\nv=0\r\n".encode())
    assert_problem(*answer, wanted=408, slug="slow-body")
    assert answer[1]["connection"] == "close"


async def test_client_that_hangs_up_in_its_body_harms_nobody(gateway: Gateway, live: dict[str, str]) -> None:
    for _ in range(20):
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        head = f"POST /whep/{live['id']} HTTP/1.1\r\nHost: x\r\nContent-Type: application/sdp\r\n"
        writer.write(f"{head}Content-Length: 900\r\n\r\nv=0".encode())
        await writer.drain()
        writer.close()
    async with gateway.http.get("/healthz") as response:
        assert response.status == 200


async def test_failure_of_ours_shows_nothing_and_is_logged(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    event = await gateway.new_event()

    async def fail(event_id: str) -> int:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr(gateway.control, "listeners_of", fail)
    with caplog.at_level(logging.ERROR):
        async with gateway.http.get(f"/api/events/{event['id']}") as response:
            answer = response.status, response.headers, await response.read()
    assert_problem(*answer, wanted=500, slug="internal")
    assert b"secret inside" not in answer[2]
    assert "GET /api/events/{event} failed" in caplog.text and "the secret inside" in caplog.text


async def test_store_that_is_away_is_said_and_joins_go_on(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        event = await gateway.new_event(live=True)
        await gateway.stop_store()
        sdp = {"Content-Type": "application/sdp"}
        async with gateway.http.post(f"/whep/{event['id']}", data=OFFER, headers=sdp) as response:
            assert response.status == 201
        for method, path in (("GET", "/api/events/zzzzzzzzzzzz"), ("POST", "/whep/zzzzzzzzzzzz")):
            async with gateway.http.request(method, path) as response:
                answer = response.status, response.headers, await response.read()
            assert_problem(*answer, wanted=503, slug="store-unavailable")
            assert answer[1]["Retry-After"] == "2"
        answer = await post(gateway, "/api/events", event_body(title="x"), "application/json")
        assert_problem(*answer, wanted=503, slug="store-unavailable")
        async with gateway.http.get("/healthz") as response:
            assert response.status == 200

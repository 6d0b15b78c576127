"""What `stentor event create` asks, and what it makes of the answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from stentor.app.event_client import create_event
from stentor.app.http_client import ClientError

CREATED = {"id": "abcd", "host_key": "secret"}


class Api:
    """Remembers the request and gives the answer it was told to give."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.answer = web.json_response(CREATED, status=201)
        self.url = ""

    async def post(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        return self.answer


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    api = Api()
    app = web.Application()
    app.router.add_post("/api/events", api.post)
    server = TestServer(app)
    await server.start_server()
    api.url = str(server.make_url("/"))
    yield api
    await server.close()


async def test_event_is_created_from_title_and_start(api: Api) -> None:
    created = await create_event(api.url, title="Launch", starts_at="2030-05-01T18:00:00Z")
    assert created == CREATED
    assert api.asked == [{"title": "Launch", "starts_at": "2030-05-01T18:00:00Z"}]


async def test_start_may_be_left_out(api: Api) -> None:
    await create_event(api.url, title="Launch", starts_at=None)
    assert api.asked == [{"title": "Launch"}]


async def test_refusal_is_told_with_its_reason(api: Api) -> None:
    api.answer = web.json_response({"title": "Bad title", "detail": "too long"}, status=400)
    with pytest.raises(ClientError, match="400 Bad title: too long"):
        await create_event(api.url, title="x" * 1000, starts_at=None)


@pytest.mark.parametrize("body", [b"<html>", b"[]"])
async def test_answer_that_is_no_event_is_refused(api: Api, body: bytes) -> None:
    api.answer = web.Response(body=body, status=201, content_type="application/json")
    with pytest.raises(ClientError):
        await create_event(api.url, title="Launch", starts_at=None)


@pytest.mark.parametrize("server", ["http://127.0.0.1:1", "nonsense"])
async def test_server_that_cannot_be_reached_is_named(server: str) -> None:
    with pytest.raises(ClientError, match=server):
        await create_event(server, title="Launch", starts_at=None)

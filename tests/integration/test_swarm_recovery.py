"""Listeners of the swarm come back, wait and move as the pages do. The gateway in front stands for what one
server alone does not do: it names a shard, asks its listeners to move, and sends people away for a while."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from stentor_loadtest.run.settings import RunSettings
from stentor_loadtest.swarm.run import run_swarm
from support.publisher import publishing, run_loadtest
from support.server_process import Event, ServerProcess, running_server

LISTENERS = 30


@pytest.fixture(scope="module")
def on_air(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServerProcess, Event]]:
    with running_server(tmp_path_factory.mktemp("server")) as server:
        event = server.create_event()
        with publishing(server, event):
            yield server, event


class Front:
    """Hands everything on to a server; `shards` are named in turn, `refuse` POSTs are sent away first."""

    def __init__(self, server: ServerProcess, shards: list[int], *, refuse: int = 0) -> None:
        self._server = server
        self.shards = shards
        self._refuse = refuse
        self.move: dict[str, object] | None = None
        self.tickets: list[str | None] = []
        self.ended = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        async with aiohttp.ClientSession() as self._http:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        if request.path.endswith("/status"):
            moves = [] if self.move is None else [self.move]
            return web.json_response({"now": time.time(), "moves": moves})
        if request.method == "POST":
            self.tickets.append(request.headers.get("Stentor-Ticket"))
            if self._refuse > 0:
                self._refuse -= 1
                return web.json_response({"ticket": "in-line"}, status=503, headers={"Retry-After": "1"})
        return await self._hand_on(request)

    async def _hand_on(self, request: web.Request) -> web.Response:
        self.ended += request.method == "DELETE"
        fields = {"Content-Type": request.content_type}
        url = self._server.base + request.path
        async with self._http.request(
            request.method, url, data=await request.read(), headers=fields
        ) as answer:
            kept = {"Location": answer.headers["Location"]} if "Location" in answer.headers else {}
            if answer.status == 201:
                self.shards.append(self.shards.pop(0))
                kept["Stentor-Shard"] = str(self.shards[-1])
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)


def settings(url: str, event: Event, *, seconds: float) -> RunSettings:
    return RunSettings(url, event.id, LISTENERS, rate=60.0, seconds=seconds, recover=True, poll=1.0)


async def test_listeners_of_one_shard_move_without_hearing_it(
    on_air: tuple[ServerProcess, Event],
) -> None:
    server, event = on_air
    front = Front(server, [7, 8])
    async with front.serving() as url:

        async def ask_later() -> None:
            await asyncio.sleep(2.0)
            front.shards = [8]  # a shard that empties itself takes nobody
            front.move = {"shard": 7, "fraction": 1.0, "seed": "s", "deadline": time.time() + 3.0}

        asking = asyncio.create_task(ask_later())
        result = await run_swarm(settings(url, event, seconds=6.0))
        await asking
    assert result.returns is not None
    assert result.returns.moved == LISTENERS // 2
    assert (result.returns.silences, result.returns.waiting) == (0, 0)
    assert front.ended == LISTENERS + LISTENERS // 2
    for record in result.each:
        assert record["lost_ms"] == 0, record
        sessions = record["sessions"]
        assert isinstance(sessions, list)
        assert len(sessions) == (2 if sessions[0]["shard"] == 7 else 1), record


async def test_listeners_who_are_sent_away_come_back_with_the_ticket_they_were_given(
    on_air: tuple[ServerProcess, Event],
) -> None:
    server, event = on_air
    front = Front(server, [7], refuse=10)
    async with front.serving() as url:
        result = await run_swarm(settings(url, event, seconds=2.5))
    assert not result.failures
    assert front.tickets.count("in-line") == 10
    assert len(front.tickets) == LISTENERS + 10


def test_everybody_comes_back_after_the_server_was_killed(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        event = server.create_event()
        with publishing(server, event):
            diary, out = tmp_path / "diary", tmp_path / "run.json"
            code, figures, text = asyncio.run(_killed_meanwhile(server, event, diary, out))
    assert code == 0, text
    assert (figures["silences"], figures["back"], figures["outside"]) == (LISTENERS,) * 2 + (0,), text
    assert 1.5 < figures["back_p50_s"] < 10, text
    lines = [json.loads(line) for line in diary.read_text().splitlines()]
    assert max(line["hearing"] for line in lines) == LISTENERS
    for record in json.loads(out.read_text())["each"]:
        assert [change["why"] for change in record["changes"]] == ["silence"], record
        assert record["changes"][0]["heard"] is not None, record
        assert record["gaps"] >= 1, record


async def _killed_meanwhile(
    server: ServerProcess, event: Event, diary: Path, out: Path
) -> tuple[int, dict[str, float], str]:
    options = ["--listeners", str(LISTENERS), "--rate", "60", "--seconds", "12", "--diary", str(diary)]
    running = asyncio.create_task(asyncio.to_thread(run_loadtest, "endure", server, event, out, *options))
    await asyncio.sleep(4.0)
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)
    return await running

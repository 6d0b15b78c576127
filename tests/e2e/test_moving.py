"""A listener is asked to move to another seat: the new one sounds before the old one goes, nobody clicks."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Response, Route

from support.pages import ListenPage, StudioPage
from support.server_process import running_server

DEADLINE = 4.0  # seconds after the status body asks
WATCHED = 6.0  # seconds in which nothing may be noticed


def asks_to_move(shard: int) -> str:
    """What is put into the status body: everybody on this shard, soon."""
    deadline = datetime.now(UTC) + timedelta(seconds=DEADLINE)
    return json.dumps([{"shard": shard, "fraction": 1.0, "seed": "e2e", "deadline": deadline.isoformat()}])


@pytest.mark.parametrize("workers", ["1", "2"])
def test_listener_moves_without_losing_the_sound(browser: Browser, tmp_path: Path, workers: str) -> None:
    with running_server(tmp_path, options=("--workers", workers)) as server:
        event = server.create_event()
        studio = StudioPage(browser, event.host_url)
        studio.go_live()
        listener = ListenPage(browser, event.listen_url)
        posts: list[Response] = []
        deletes: list[str] = []
        listener.page.on(
            "response", lambda answer: posts.append(answer) if answer.request.method == "POST" else None
        )
        listener.page.on(
            "request", lambda request: deletes.append(request.url) if request.method == "DELETE" else None
        )
        listener.wait_for_state("ready", timeout=15)
        listener.listen()
        listener.wait_for_state("live", timeout=5)
        listener.wait_for_sound(timeout=5)
        first = posts[0].headers
        moves = asks_to_move(int(first["stentor-shard"]))

        def ask(route: Route) -> None:
            answer = route.fetch()
            route.fulfill(response=answer, json={**answer.json(), "moves": json.loads(moves), "poll": 1})

        listener.page.route("**/status", ask)
        listener.wait(lambda: len(deletes) > 0, timeout=20, what="the old seat given up")
        end = time.monotonic() + WATCHED
        listener.page.unroute("**/status")
        while time.monotonic() < end:
            assert listener.state() == "live"
            listener.page.wait_for_timeout(50)
        listener.wait_for_sound(timeout=2)
        assert (len(posts), set(deletes)) == (2, {first["location"]})
        second = posts[1].headers
        assert second["stentor-ticket"] == first["stentor-ticket"]
        assert listener.probe("joins") == 1
        # On the same shard the new seat has ended the old one before its DELETE came.
        ended = [error for error in listener.errors if "404" in error and first["location"] in error]
        assert listener.errors == ended and len(ended) <= 2
        listener.close()
        studio.close()

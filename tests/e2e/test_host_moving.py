"""A stage that is told to stop is left by a host in a browser, who sees no alarm."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Request

from support.cluster_processes import ClusterProcesses
from support.pages import StudioPage

NODES = ("gateway1", "stage1", "stage2", "relay1")
LEFT = 35.0  # seconds until the page has looked at the status and moved, and the empty stage has ended
WATCHED = 8.0  # seconds afterwards in which nothing may be noticed: longer than a stage keeps a host in vain
pytestmark = pytest.mark.timeout(150)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[ClusterProcesses]:
    cluster = ClusterProcesses(tmp_path, NODES)
    with ThreadPoolExecutor(1) as aside:  # it runs a loop, for which there is no room beside Playwright's
        try:
            aside.submit(cluster.heal).result()
            yield cluster
        finally:
            aside.submit(cluster.close).result()


def test_host_leaves_a_stage_that_stops_without_an_alarm(browser: Browser, cluster: ClusterProcesses) -> None:
    event = cluster.create_event()
    studio = StudioPage(browser, event.host_url)
    requests: list[Request] = []
    studio.page.on("request", lambda request: requests.append(request))
    studio.go_live()
    first = studio.probe("shard")
    assert first is not None
    said = f"stage of event {event.id}, epoch "
    stages = cluster.of("stage")
    studio.wait(
        lambda: any(said in at.process.said() for at in stages), timeout=10, what="a stage that leads"
    )
    (leading,) = (stage for stage in stages if said in stage.process.said())
    seen: set[str] = set()
    leading.drain()

    def has_left() -> bool:
        seen.add(studio.state())
        return leading.process.exit_code is not None

    studio.wait(has_left, timeout=LEFT, what="the stage is left and ends")
    end = time.monotonic() + WATCHED
    while time.monotonic() < end:
        seen.add(studio.state())
        studio.page.wait_for_timeout(50)
    assert seen == {"live"}
    assert studio.probe("shard") not in (None, first)
    assert (studio.probe("joins"), studio.stats()["connectionState"]) == (1, "connected")
    posts = [request for request in requests if request.method == "POST"]
    deletes = [request for request in requests if request.method == "DELETE"]
    assert (len(posts), len(deletes)) == (2, 1)
    assert (
        deletes[0].timing["startTime"] - posts[1].timing["startTime"] >= 1500
    )  # both sent in between, in ms
    # The stage it has left may have ended the session before the page does: its DELETE meets a 404.
    assert [error for error in studio.errors if "404 (Not Found)" not in error] == []
    studio.close()

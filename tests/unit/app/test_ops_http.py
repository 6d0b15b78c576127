"""HTTP of a node without a gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from stentor.app.ops_http import make_ops_app
from stentor.telemetry.metrics import Metrics

TOKEN = "t" * 32


class Node:
    """What the application is told, and what it did."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.drained = 0

    def drain(self) -> None:
        self.drained += 1
        self.reasons = ["draining"]


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
async def client(node: Node) -> AsyncIterator[TestClient]:  # type: ignore[type-arg]
    app = make_ops_app(
        Metrics(CollectorRegistry()), admin_token=TOKEN, unready=lambda: node.reasons, drain=node.drain
    )
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_drain_wants_the_operators_token_and_makes_the_node_not_ready(client, node: Node) -> None:
    assert (await client.get("/readyz")).status == 200
    assert (await client.post("/admin/drain")).status == 401
    assert node.drained == 0
    answer = await client.post("/admin/drain", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (answer.status, node.drained) == (202, 1)
    answer = await client.get("/readyz")
    assert answer.status == 503 and "draining" in (await answer.json())["detail"]
    assert answer.headers["Retry-After"] == "2"
    assert (await client.get("/healthz")).status == 200  # nobody is to start it anew


async def test_metrics_are_there_and_nothing_is_cached(client) -> None:
    answer = await client.get("/metrics")
    assert answer.status == 200 and "stentor_" in await answer.text()
    for path in ("/metrics", "/healthz", "/readyz"):
        assert (await client.get(path)).headers["Cache-Control"] == "no-store"


async def test_nothing_else_is_served(client) -> None:
    assert (await client.get("/api/events")).status == 404
    assert (await client.get("/")).status == 404

"""A real gateway on a real port with a real store. Its shards are records only: no gateway asks a shard."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from aiohttp import ClientSession, web
from prometheus_client import CollectorRegistry

from stentor.cluster.embedded import EmbeddedStore
from stentor.cluster.event_book import EventBook
from stentor.core.links import Heartbeat, ShardRecord
from stentor.gateway.deps import GatewayDeps, GatewaySecrets, GatewaySettings
from stentor.gateway.drain import DrainSwitch
from stentor.gateway.http_server import GatewayRunner
from stentor.gateway.server import make_app
from stentor.gateway.shard_table import ShardTable
from stentor.net import clock
from stentor.telemetry.metrics import Metrics
from support.stores import directory_on

FINGERPRINT = ":".join(["AB"] * 32)
CANDIDATES = (("192.0.2.10", 8081), ("2001:db8::10", 8081))
RELAY = ShardRecord(1, "relay", 5, b"r" * 32, FINGERPRINT, CANDIDATES)
INGEST = ShardRecord(2, "ingest", 6, b"i" * 32, FINGERPRINT, CANDIDATES)
RELAY_TIME = 1000.0  # what the shards' clocks say at the start: not what ours says
ADMIN_TOKEN = "an admin token for tests"
SECRETS = GatewaySecrets(b"t" * 32, 9, b"s" * 32, ADMIN_TOKEN)


class MemoryControl:
    """`ShardControl` over sets and dicts."""

    def __init__(self) -> None:
        self.sessions: set[tuple[int, bytes]] = set()
        self.ended_events: list[str] = []
        self.listeners: dict[str, int] = {}
        self.hosts: dict[str, Literal["none", "present", "away"]] = {}
        self.questions = 0
        self.ptimes: list[tuple[int | None, bool]] = []

    async def end_session(self, shard: int, session: bytes) -> bool:
        if (shard, session) not in self.sessions:
            return False
        self.sessions.remove((shard, session))
        return True

    async def end_event(self, event_id: str) -> None:
        self.ended_events.append(event_id)

    async def set_ptime(self, milliseconds: int | None, *, hold: bool) -> None:
        self.ptimes.append((milliseconds, hold))

    async def listeners_of(self, event_id: str) -> int:
        self.questions += 1
        await asyncio.sleep(0)
        return self.listeners.get(event_id, 0)

    async def host_state(self, event_id: str) -> Literal["none", "present", "away"]:
        return self.hosts.get(event_id, "none")


class ShiftedClock:
    """The real clock, moved forward as far as a test wants."""

    def __init__(self) -> None:
        self.shift = 0.0

    def monotonic(self) -> float:
        return clock.monotonic() + self.shift

    def wall(self) -> float:
        return clock.wall() + self.shift


@dataclass(slots=True)
class Gateway:
    """What a test may look at and turn."""

    url: str
    port: int
    http: ClientSession
    book: EventBook
    control: MemoryControl
    clock: ShiftedClock
    shards: ShardTable
    metrics: Metrics
    store: EmbeddedStore
    deps: GatewayDeps
    drained: list[bool] = field(default_factory=list)

    async def stop_store(self) -> None:
        """The store goes away."""
        await self.store.stop()

    def beat(self, *, relay_seats: int = 100, ingest_seats: int = 10) -> None:
        """A heartbeat of both shards."""
        now = self.clock.monotonic()
        relay_time = RELAY_TIME + self.clock.shift
        self.shards.on_heartbeat(Heartbeat(1, relay_time, "ready", relay_seats, 3), now)
        self.shards.on_heartbeat(Heartbeat(2, relay_time, "ready", ingest_seats, 0), now)

    async def new_event(self, *, live: bool = False, **fields: Any) -> dict[str, str]:
        """What POST /api/events gave."""
        async with self.http.post("/api/events", json={"title": "A talk", **fields}) as response:
            assert response.status == 201, await response.text()
            event: dict[str, str] = await response.json()
        if live:
            await self.book.go_live(event["id"], now=self.clock.wall())
        return event

    async def raw(self, data: bytes, *, within: float = 5.0) -> tuple[int, dict[str, str], bytes]:
        """Send bytes as they are and read the answer: status, headers in lower case, body."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(data)
            async with asyncio.timeout(within):
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
                body = await reader.readexactly(int(headers.get("content-length", "0")))
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        return int(head[0].split()[1]), headers, body

    def joins(self, step: str) -> float:
        """`stentor_joins_total{step=...}`."""
        return self.metrics.registry.get_sample_value("stentor_joins_total", {"step": step}) or 0.0


@contextlib.asynccontextmanager
async def running_gateway(
    state_dir: Path,
    *,
    settings: GatewaySettings | None = None,
    static_dir: Path | None = None,
) -> AsyncIterator[Gateway]:
    """Start it all; stop it all."""
    async with contextlib.AsyncExitStack() as stack:
        store = EmbeddedStore(engine="valkey")
        store_url = await store.start(state_dir)
        stack.push_async_callback(store.stop)
        directory = await stack.enter_async_context(directory_on(store_url))
        control, shifted, shards = MemoryControl(), ShiftedClock(), ShardTable()
        book, metrics = EventBook(directory), Metrics(CollectorRegistry())
        drained: list[bool] = []
        deps = GatewayDeps(
            book=book,
            shards=shards,
            control=control,
            secrets=SECRETS,
            metrics=metrics,
            clock=shifted,
            static_dir=static_dir,
            settings=settings or GatewaySettings(),
            drain=DrainSwitch(lambda: drained.append(True)),
        )
        runner = GatewayRunner(make_app(deps))
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        url = f"http://127.0.0.1:{port}"
        http = await stack.enter_async_context(ClientSession(url))
        gateway = Gateway(url, port, http, book, control, shifted, shards, metrics, store, deps, drained)
        for record in (RELAY, INGEST):
            shards.on_record(record)
        gateway.beat()
        yield gateway


def assert_problem(status: int, headers: Any, body: bytes, *, wanted: int, slug: str) -> dict[str, Any]:
    """It is problem+json of this status and slug, readable from any origin, and shows no insides."""
    problem: dict[str, Any] = json.loads(body)
    lower = {name.lower(): value for name, value in headers.items()}
    assert (status, problem["type"], problem["status"]) == (wanted, f"urn:stentor:problem:{slug}", wanted)
    assert lower["content-type"] == "application/problem+json"
    assert lower["access-control-allow-origin"] == "*"
    assert problem["title"] and problem["detail"]
    assert "Traceback" not in body.decode() and "stentor." not in body.decode()
    return problem

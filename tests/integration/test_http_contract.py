"""The event API, pages and operators' endpoints that scripts rely on, against a running gateway."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from stentor.gateway.deps import GatewaySettings
from support.gateway_server import ADMIN_TOKEN, Gateway, running_gateway
from support.signalling import SDP, WHEP_OFFER, WHIP_OFFER, join, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    static = tmp_path_factory.mktemp("dist")
    (static / "assets").mkdir()
    for name in ("index.html", "listen.html", "studio.html", "favicon.svg", "assets/app-1a2b.js"):
        (static / name).write_text(name)
    state_dir = tmp_path_factory.mktemp("state")
    async with running_gateway(state_dir, static_dir=static) as gateway:
        yield gateway


@pytest.fixture(autouse=True)
def _heard(gateway: Gateway) -> None:
    gateway.beat()


async def test_created_event_comes_with_every_link_and_a_key_that_is_not_stored(gateway: Gateway) -> None:
    event = await gateway.new_event()
    base, event_id, key = gateway.url, event["id"], event["host_key"]
    assert event == {
        "id": event_id,
        "host_key": key,
        "host_url": f"{base}/studio/{event_id}#key={key}",
        "listen_url": f"{base}/e/{event_id}",
        "whip_url": f"{base}/whip/{event_id}",
        "whep_url": f"{base}/whep/{event_id}",
    }
    assert len(key) == 32
    record = gateway.book.get(event_id)
    assert record is not None and record.host_key_hash == hashlib.sha256(key.encode()).digest()


async def test_event_tells_what_was_announced(gateway: Gateway) -> None:
    event = await gateway.new_event(
        title="  Evening \N{ARABIC LETTER ALEF}  ", starts_at="2030-01-31T18:00:00+02:00"
    )
    gateway.control.listeners[event["id"]] = 7
    gateway.control.hosts[event["id"]] = "away"
    async with gateway.http.get(f"/api/events/{event['id']}") as response:
        assert response.status == 200
        fields = await response.json()
    assert fields.pop("now").endswith("Z")
    assert fields == {
        "id": event["id"],
        "title": "Evening \N{ARABIC LETTER ALEF}",
        "starts_at": "2030-01-31T16:00:00Z",
        "phase": "early",
        "live_since": None,
        "ended_at": None,
        "listeners": 7,
        "host": "away",
        "waiting": 0,
        "joining": 0,
        "rate": 0.0,
        "full": False,
        "listen_url": f"{gateway.url}/e/{event['id']}",
    }


async def test_only_the_host_can_end_an_event(gateway: Gateway) -> None:
    event = await gateway.new_event(live=True)
    url = f"/api/events/{event['id']}/end"
    _, headers = await refused(gateway, "POST", url, status=401, slug="unauthorized")
    assert headers["WWW-Authenticate"] == 'Bearer realm="stentor"'
    wrong = {"Authorization": "Bearer " + "x" * 32}
    _, headers = await refused(gateway, "POST", url, status=401, slug="unauthorized", headers=wrong)
    assert 'error="invalid_token"' in headers["WWW-Authenticate"]
    right = {"Authorization": f"bearer {event['host_key']}"}
    for _ in range(2):
        async with gateway.http.post(url, headers=right) as response:
            assert (response.status, (await response.json())["phase"]) == (200, "ended")
    assert event["id"] in gateway.control.ended_events
    await refused(
        gateway, "POST", f"/whep/{event['id']}", status=410, slug="event-ended", data=WHEP_OFFER, headers=SDP
    )
    await refused(
        gateway, "POST", f"/whip/{event['id']}", status=410, slug="event-ended", data=WHIP_OFFER, headers=SDP
    )


async def test_status_is_cacheable_and_the_same_for_everyone(gateway: Gateway) -> None:
    event = await gateway.new_event(live=True)
    url = f"/api/events/{event['id']}/status"
    questions = gateway.control.questions

    async def ask() -> bytes:
        async with gateway.http.get(url) as response:
            assert response.status == 200 and response.headers["Cache-Control"] == "public, max-age=1"
            assert "Set-Cookie" not in response.headers
            return await response.read()

    bodies = set(await asyncio.gather(*(ask() for _ in range(50))))
    assert len(bodies) == 1 and gateway.control.questions == questions + 1
    gateway.clock.shift += 1.0
    gateway.beat()
    async with gateway.http.get(url) as response:
        fields = await response.json()
    assert fields.pop("now").endswith("Z")
    assert fields == {
        "epoch": 1,
        "phase": "live",
        "title": "A talk",
        "starts_at": None,
        "host": "none",
        "listeners": 0,
        "serving": None,
        "arrivals": [],
        "waiting": 0,
        "joining": 0,
        "rate": 0.0,
        "pace": 0.0,
        "moves": [],
        "full": False,
        "poll": 10,
    }
    assert gateway.control.questions == questions + 2


async def test_status_shows_a_new_phase_at_once_and_a_full_house(gateway: Gateway) -> None:
    event = await gateway.new_event()
    url = f"/api/events/{event['id']}/status"
    async with gateway.http.get(url) as response:
        assert (await response.json())["phase"] == "early"
    await gateway.book.go_live(event["id"], now=gateway.clock.wall())
    gateway.beat(relay_seats=0)
    async with gateway.http.get(url) as response:
        fields = await response.json()
    assert (fields["phase"], fields["full"]) == ("live", True)


# Pages


@pytest.mark.parametrize(
    ("path", "file", "microphone"),
    [("/", "index.html", "()"), ("/e/abcd", "listen.html", "()"), ("/studio/abcd", "studio.html", "(self)")],
)
async def test_pages_are_static_and_locked_down(
    gateway: Gateway, path: str, file: str, microphone: str
) -> None:
    async with gateway.http.get(path) as response:
        assert (response.status, await response.text()) == (200, file)
        assert response.content_type == "text/html"
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "script-src 'self'" in policy and "unsafe" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert f"microphone={microphone}" in response.headers["Permissions-Policy"]
        assert response.headers["Cache-Control"] == "public, max-age=60"


async def test_assets_may_be_kept_forever(gateway: Gateway) -> None:
    async with gateway.http.get("/assets/app-1a2b.js") as response:
        assert response.status == 200 and response.content_type.endswith("/javascript")
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    async with gateway.http.get("/favicon.svg") as response:
        assert response.status == 200


async def test_missing_pages_say_how_to_build_them(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as bare:
        problem, _ = await refused(bare, "GET", "/e/abcd", status=503, slug="pages-not-built")
        assert "make setup" in problem["detail"]


# Operators


async def test_health_readiness_and_metrics(gateway: Gateway) -> None:
    async with gateway.http.get("/healthz") as response:
        assert (response.status, await response.json()) == (200, {"status": "ok"})
    gateway.beat(relay_seats=0)  # full is ready
    async with gateway.http.get("/readyz") as response:
        assert response.status == 200
    gateway.clock.shift += 3.0
    problem, _ = await refused(gateway, "GET", "/readyz", status=503, slug="not-ready")
    assert "no relay" in problem["detail"] and "no ingest" in problem["detail"]
    async with gateway.http.get("/metrics") as response:
        text = await response.text()
        assert response.status == 200 and response.content_type == "text/plain"
    assert 'stentor_joins_total{step="offer"}' in text


async def test_drained_gateway_takes_nobody_and_says_when_to_come_again(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        event = await gateway.new_event(live=True)
        await refused(gateway, "POST", "/admin/drain", status=401, slug="unauthorized")
        host = {"Authorization": f"Bearer {event['host_key']}"}
        await refused(gateway, "POST", "/admin/drain", status=401, slug="unauthorized", headers=host)
        for _ in range(2):
            operator = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
            async with gateway.http.post("/admin/drain", headers=operator) as response:
                assert (response.status, await response.json()) == (202, {"state": "draining"})
        assert gateway.drained == [True]
        post = {"data": WHEP_OFFER, "headers": SDP}
        _, headers = await refused(
            gateway, "POST", f"/whep/{event['id']}", status=503, slug="draining", **post
        )
        assert headers["Retry-After"] == "2"
        await refused(gateway, "GET", "/readyz", status=503, slug="not-ready")
        async with gateway.http.get("/healthz") as response:
            assert response.status == 200


async def test_one_network_cannot_ask_without_end(tmp_path: Path) -> None:
    settings = GatewaySettings(signalling_rate=1.0, signalling_burst=3, creation_rate=1.0, creation_burst=2)
    async with running_gateway(tmp_path, settings=settings) as gateway:
        event = await gateway.new_event(live=True)
        for _ in range(3):
            await join(gateway, event)
        for method in ("POST", "PATCH", "DELETE"):
            url = f"/whep/{event['id']}" if method == "POST" else f"/whep/{event['id']}/x"
            _, headers = await refused(gateway, method, url, status=429, slug="rate-limited", data=WHEP_OFFER)
            assert headers["Retry-After"] == "1"
        async with gateway.http.get(f"/whep/{event['id']}") as response:
            assert response.status == 200  # reading is not limited here
        await gateway.new_event()
        await refused(gateway, "POST", "/api/events", status=429, slug="rate-limited", json={"title": "t"})
        gateway.clock.shift += 1.0
        await join(gateway, event)


async def test_links_follow_the_public_url(tmp_path: Path) -> None:
    settings = GatewaySettings(public_url="https://live.example.org")
    async with running_gateway(tmp_path, settings=settings) as gateway:
        event = await gateway.new_event(live=True)
        assert event["listen_url"] == f"https://live.example.org/e/{event['id']}"
        _, headers = await join(gateway, event)
        assert headers["Location"].startswith("https://live.example.org/whep/")


async def test_links_follow_a_trusted_proxy(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, settings=GatewaySettings(trust_forwarded=True)) as gateway:
        proxied = {
            "Host": "live.example.org",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-For": "6.6.6.6, 192.0.2.1",
        }
        async with gateway.http.post("/api/events", json={"title": "t"}, headers=proxied) as response:
            assert (await response.json())["listen_url"].startswith("https://live.example.org/e/")


async def test_operator_sets_the_length_of_packets(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        body = {"ms": 60, "hold": True}
        await refused(gateway, "POST", "/admin/ptime", status=401, slug="unauthorized", json=body)
        operator = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        async with gateway.http.post("/admin/ptime", headers=operator, json=body) as response:
            assert (response.status, await response.json()) == (200, body)
        assert gateway.control.ptimes == [(60, True)]
        auto = {"ptime": "auto"}
        async with gateway.http.post("/admin/ptime", headers=operator, json=auto) as response:
            assert (response.status, await response.json()) == (200, auto)
        assert gateway.control.ptimes == [(60, True), (None, False)]
        for wrong in (
            {"ms": 30},
            {"ms": "60"},
            {"ms": "auto"},
            {"ms": None},
            {"ms": 20, "until": 1},
            {"ms": 20, "ptime": "auto"},
            {"ptime": 60},
            {"ptime": "auto", "hold": True},
            {"hold": True},
            {},
            [],
        ):
            await refused(
                gateway,
                "POST",
                "/admin/ptime",
                status=422,
                slug="invalid-ptime",
                headers=operator,
                json=wrong,
            )
        assert len(gateway.control.ptimes) == 2

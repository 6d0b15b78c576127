"""Sessions after the POST (PATCH, DELETE), and what any WHIP or WHEP URL answers (GET, HEAD, OPTIONS)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from support.gateway_server import RELAY, Gateway, running_gateway
from support.signalling import FRAGMENT, TRICKLE, capsule_in, join, publish, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    async with running_gateway(tmp_path_factory.mktemp("state")) as gateway:
        yield gateway


@pytest.fixture(autouse=True)
def _heard(gateway: Gateway) -> None:
    gateway.beat()


async def test_deleted_session_is_gone_and_the_second_delete_says_so(gateway: Gateway) -> None:
    event = await gateway.new_event(live=True)
    answer, headers = await join(gateway, event)
    capsule = capsule_in(answer, secret=RELAY.secret, key_id=5)
    gateway.control.sessions.add((capsule.shard, capsule.session))
    async with gateway.http.delete(headers["Location"]) as response:
        assert response.status == 200
    await refused(gateway, "DELETE", headers["Location"], status=404, slug="no-such-session")


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "GET"])
async def test_session_url_cannot_be_changed_or_moved(gateway: Gateway, method: str) -> None:
    event, other = await gateway.new_event(live=True), await gateway.new_event(live=True)
    _, headers = await join(gateway, event)
    token = headers["Location"].rpartition("/")[2]
    flipped = token[:20] + ("A" if token[20] != "A" else "B") + token[21:]
    for url in (
        f"/whep/{event['id']}/{flipped}",
        f"/whep/{event['id']}/{token[:-1]}",
        f"/whep/{event['id']}/{token}A",
        f"/whep/{event['id']}/x",
        f"/whep/{event['id']}/{'x' * 5000}",
        f"/whep/{other['id']}/{token}",
        f"/whip/{event['id']}/{token}",
    ):
        await refused(gateway, method, url, status=404, slug="no-such-session")


async def test_trickled_candidates_are_accepted_with_the_etag(gateway: Gateway) -> None:
    _, headers = await join(gateway, await gateway.new_event(live=True))
    patch = {**FRAGMENT, "If-Match": headers["ETag"]}
    async with gateway.http.patch(headers["Location"], data=TRICKLE, headers=patch) as response:
        assert (response.status, await response.read()) == (204, b"")


async def test_patch_needs_the_etag_of_this_very_session(gateway: Gateway) -> None:
    event = await gateway.new_event(live=True)
    (_, mine), (_, other) = await join(gateway, event), await join(gateway, event)
    url = mine["Location"]
    await refused(gateway, "PATCH", url, status=428, slug="etag-required", data=TRICKLE, headers=FRAGMENT)
    for etag in (other["ETag"], '"0-0000000000000000"', "nonsense", "W/" + mine["ETag"]):
        headers = {**FRAGMENT, "If-Match": etag}
        await refused(gateway, "PATCH", url, status=412, slug="stale-etag", data=TRICKLE, headers=headers)
    headers = {**FRAGMENT, "If-Match": f"{other['ETag']}, {mine['ETag']}"}
    async with gateway.http.patch(url, data=TRICKLE, headers=headers) as response:
        assert response.status == 204


async def test_ice_restart_gives_a_capsule_of_the_same_session_and_the_next_generation(
    gateway: Gateway,
) -> None:
    event = await gateway.new_event(live=True)
    answer, headers = await join(gateway, event)
    before = capsule_in(answer, secret=RELAY.secret, key_id=5)
    etags = [headers["ETag"]]
    for generation in (1, 2):
        patch = {**FRAGMENT, "If-Match": "*"}
        async with gateway.http.patch(headers["Location"], data=TRICKLE, headers=patch) as response:
            assert response.status == 200
            assert response.headers["Content-Type"] == "application/trickle-ice-sdpfrag"
            etags.append(response.headers["ETag"])
            fragment = await response.text()
        after = capsule_in(fragment, secret=RELAY.secret, key_id=5)
        assert (after.session, after.ticket, after.generation) == (before.session, before.ticket, generation)
        assert after.fingerprint_digest == before.fingerprint_digest
        assert "a=mid:0" in fragment and "a=end-of-candidates" in fragment and "a=ice-lite" in fragment
    assert len(set(etags)) == 3
    for etag, status in zip(etags, (412, 412, 204), strict=True):
        patch = {**FRAGMENT, "If-Match": etag}
        async with gateway.http.patch(headers["Location"], data=TRICKLE, headers=patch) as response:
            assert response.status == status


async def test_session_can_be_restarted_as_often_as_its_capsule_can_count(gateway: Gateway) -> None:
    _, headers = await join(gateway, await gateway.new_event(live=True))
    patch = {**FRAGMENT, "If-Match": "*"}
    for _ in range(255):
        async with gateway.http.patch(headers["Location"], data=TRICKLE, headers=patch) as response:
            assert response.status == 200
    url = headers["Location"]
    await refused(gateway, "PATCH", url, status=409, slug="too-many-restarts", data=TRICKLE, headers=patch)


async def test_restart_of_a_session_whose_shard_is_gone_is_refused(gateway: Gateway) -> None:
    _, headers = await join(gateway, await gateway.new_event(live=True))
    gateway.clock.shift += 15.0
    patch = {**FRAGMENT, "If-Match": "*"}
    url = headers["Location"]
    await refused(gateway, "PATCH", url, status=404, slug="no-such-session", data=TRICKLE, headers=patch)


async def test_another_gateway_with_the_same_secret_serves_the_session(
    gateway: Gateway, tmp_path: Path
) -> None:
    event = await gateway.new_event(live=True)
    _, headers = await join(gateway, event)
    path = headers["Location"].removeprefix(gateway.url)
    patch = {**FRAGMENT, "If-Match": "*"}
    async with gateway.http.patch(path, data=TRICKLE, headers=patch) as response:
        etag = response.headers["ETag"]
    async with running_gateway(tmp_path) as other:
        async with other.http.patch(path, data=TRICKLE, headers={**FRAGMENT, "If-Match": etag}) as response:
            assert response.status == 204
        async with other.http.patch(path, data=TRICKLE, headers=patch) as response:
            assert response.status == 200


# CORS, GET, HEAD, OPTIONS


@pytest.mark.parametrize("prefix", ["whip", "whep"])
async def test_endpoint_and_session_answer_get_and_head_with_nothing(gateway: Gateway, prefix: str) -> None:
    event = await gateway.new_event(live=True)
    _, headers = await (join(gateway, event) if prefix == "whep" else publish(gateway, event))
    for url in (f"/{prefix}/{event['id']}", headers["Location"]):
        for method in ("GET", "HEAD"):
            async with gateway.http.request(method, url) as response:
                assert (response.status, await response.read()) == (200, b"")
                assert response.headers["Content-Type"] == "application/sdp"


@pytest.mark.parametrize("prefix", ["whip", "whep"])
async def test_options_answers_a_preflight_from_any_origin(gateway: Gateway, prefix: str) -> None:
    asked = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    for path, method in ((f"/{prefix}/anything", "POST"), (f"/{prefix}/any/thing", "PATCH")):
        async with gateway.http.options(path, headers=asked) as response:
            assert response.status == 200
            assert response.headers["Access-Control-Allow-Origin"] == "*"
            assert method in response.headers["Access-Control-Allow-Methods"].split(", ")
            allowed = response.headers["Access-Control-Allow-Headers"].split(", ")
            assert {"Authorization", "Content-Type", "If-Match", "Stentor-Ticket"} <= set(allowed)
            assert response.headers["Accept-Post"] == "application/sdp"
            assert response.headers["Accept-Patch"] == "application/trickle-ice-sdpfrag"


async def test_options_answers_for_every_other_resource(gateway: Gateway) -> None:
    for path, methods in (("/api/events", "OPTIONS, POST"), ("/healthz", "GET, HEAD, OPTIONS")):
        async with gateway.http.options(path) as response:
            assert (response.status, response.headers["Allow"]) == (200, methods)
    await refused(gateway, "OPTIONS", "/nowhere", status=404, slug="not-found")


async def test_what_a_script_may_read_is_exposed(gateway: Gateway) -> None:
    _, headers = await join(gateway, await gateway.new_event(live=True))
    exposed = headers["Access-Control-Expose-Headers"].split(", ")
    assert {"Location", "Link", "ETag", "Accept-Patch", "Retry-After", "Stentor-Ticket"} <= set(exposed)

"""POST to WHEP and WHIP: who is answered, with what, and who is not."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from stentor.core.config import IceServer
from stentor.core.ids import event_key, program_ssrc, publisher_ticket
from stentor.core.webrtc.capsule import PeerKind, fingerprint_digest
from stentor.core.webrtc.sdp import parse_offer
from stentor.gateway.deps import GatewaySettings
from support.gateway_server import INGEST, RELAY, RELAY_TIME, Gateway, running_gateway
from support.signalling import SDP, WHEP_OFFER, WHIP_OFFER, capsule_in, join, publish, refused
from support.wire_samples import sdp_sample

pytestmark = pytest.mark.asyncio(loop_scope="module")

ICE_SERVERS = (
    IceServer("stun:stun.example.org:3478"),
    IceServer("turn:turn.example.org:3478?transport=udp", 'us"er', "secret"),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    settings = GatewaySettings(ice_servers=ICE_SERVERS)
    async with running_gateway(tmp_path_factory.mktemp("state"), settings=settings) as gateway:
        yield gateway


@pytest.fixture(autouse=True)
def _heard(gateway: Gateway) -> None:
    gateway.beat()


async def test_listener_gets_an_answer_its_relay_will_honour(gateway: Gateway) -> None:
    event = await gateway.new_event(live=True)
    answer, headers = await join(gateway, event)
    offer = parse_offer(WHEP_OFFER, role="whep")
    capsule = capsule_in(answer, secret=RELAY.secret, key_id=RELAY.key_id)
    assert capsule.expires_at == pytest.approx(RELAY_TIME + gateway.clock.shift + 5, abs=1.0)
    assert (capsule.shard, capsule.kind, capsule.generation) == (RELAY.shard, PeerKind.LISTENER, 0)
    assert capsule.event == event_key(event["id"])
    assert (capsule.opus_pt, capsule.red_pt, capsule.maxptime) == (111, 63, 120)
    assert capsule.fingerprint_digest == fingerprint_digest(offer.fingerprint)
    assert f"a=ssrc:{program_ssrc(event['id'])} cname:" in answer
    for line in (
        "a=ice-lite",
        "a=setup:passive",
        "a=sendonly",
        "a=rtcp-mux",
        "a=group:BUNDLE 0",
        "a=end-of-candidates",
    ):
        assert line in answer.splitlines()
    assert "192.0.2.10 8081 typ host" in answer and "2001:db8::10 8081 typ host" in answer
    assert "transport-cc" not in answer and "extmap" not in answer
    assert headers["Content-Type"] == "application/sdp"
    assert headers["Location"].startswith(f"{gateway.url}/whep/{event['id']}/")
    assert headers["Accept-Patch"] == "application/trickle-ice-sdpfrag"
    assert headers["ETag"].startswith('"') and headers["ETag"].endswith('"')


async def test_answer_names_the_ice_servers_in_link_headers(gateway: Gateway) -> None:
    _, headers = await join(gateway, await gateway.new_event(live=True))
    assert headers.getall("Link") == [
        '<stun:stun.example.org:3478>; rel="ice-server"',
        '<turn:turn.example.org:3478?transport=udp>; rel="ice-server"; username="us\\"er"; '
        'credential="secret"; credential-type="password"',
    ]


async def test_join_asks_neither_store_nor_shard(gateway: Gateway) -> None:
    event = await gateway.new_event(live=True)
    questions = gateway.control.questions
    record = gateway.book.get(event["id"])
    for _ in range(20):
        await join(gateway, event)
    assert gateway.control.questions == questions
    assert gateway.book.get(event["id"]) is record


async def test_ticket_that_is_shown_again_keeps_its_seat(gateway: Gateway) -> None:
    event = await gateway.new_event(live=True)
    first, headers = await join(gateway, event)
    ticket = headers["Stentor-Ticket"]
    again, headers = await join(gateway, event, **{"Stentor-Ticket": ticket})
    assert headers["Stentor-Ticket"] == ticket
    one, two = (capsule_in(answer, secret=RELAY.secret, key_id=5) for answer in (first, again))
    assert one.ticket == two.ticket and one.session != two.session


async def test_ticket_of_another_event_or_of_nobody_is_replaced(gateway: Gateway) -> None:
    one, two = await gateway.new_event(live=True), await gateway.new_event(live=True)
    _, headers = await join(gateway, one)
    foreign = headers["Stentor-Ticket"]
    for brought in (foreign, "", "nonsense", "A" * 64, foreign[:-1] + ("A" if foreign[-1] != "A" else "B")):
        _, headers = await join(gateway, two, **{"Stentor-Ticket": brought})
        assert headers["Stentor-Ticket"] not in ("", brought)


async def test_early_event_says_when_to_come_again(gateway: Gateway) -> None:
    event = await gateway.new_event()
    post = {"data": WHEP_OFFER, "headers": SDP}
    _, headers = await refused(gateway, "POST", f"/whep/{event['id']}", status=409, slug="not-live", **post)
    assert headers["Retry-After"] == "5"
    later = await gateway.new_event(starts_at="2190-01-01T00:00:00Z")
    _, headers = await refused(gateway, "POST", f"/whep/{later['id']}", status=409, slug="not-live", **post)
    assert headers["Retry-After"] == "30"


async def test_full_house_and_silent_shards_say_when_to_come_again(gateway: Gateway) -> None:
    event = await gateway.new_event(live=True)
    gateway.clock.shift += 1.0  # whoever was sent before has come by now
    gateway.beat(relay_seats=2)
    await join(gateway, event)
    await join(gateway, event)
    post = {"data": WHEP_OFFER, "headers": SDP}
    _, headers = await refused(gateway, "POST", f"/whep/{event['id']}", status=503, slug="no-room", **post)
    assert int(headers["Retry-After"]) > 0
    another = await gateway.new_event(live=True)
    gateway.beat()
    gateway.clock.shift += 3.0
    await refused(gateway, "POST", f"/whep/{another['id']}", status=503, slug="no-room", **post)


async def test_steps_and_decisions_are_counted(gateway: Gateway) -> None:
    event = await gateway.new_event(live=True)
    before = {step: gateway.joins(step) for step in ("offer", "answer", "refused")}
    await join(gateway, event)
    await refused(
        gateway, "POST", "/whep/zzzzzzzz", status=404, slug="no-such-event", data=WHEP_OFFER, headers=SDP
    )
    after = {step: gateway.joins(step) - count for step, count in before.items()}
    assert after == {"offer": 2, "answer": 1, "refused": 1}


@pytest.mark.parametrize("name", ["chromium_whep", "firefox_whep", "aiortc_whep", "wrtc_whep"])
async def test_every_known_listener_is_answered(gateway: Gateway, name: str) -> None:
    event = await gateway.new_event(live=True)
    post = {"data": sdp_sample(name), "headers": SDP}
    async with gateway.http.post(f"/whep/{event['id']}", **post) as response:
        assert response.status == 201, await response.text()


# WHIP


async def test_host_is_answered_before_the_event_is_live(gateway: Gateway) -> None:
    event = await gateway.new_event()
    answer, headers = await publish(gateway, event)
    capsule = capsule_in(answer, secret=INGEST.secret, key_id=INGEST.key_id)
    assert (capsule.shard, capsule.kind) == (INGEST.shard, PeerKind.PUBLISHER)
    assert capsule.ticket == publisher_ticket(event["id"])
    assert "a=setup:passive" in answer and "a=recvonly" in answer
    assert "m=audio 8081 UDP/TLS/RTP/SAVPF 63 111" in answer  # RED first, as offered
    assert headers["Location"].startswith(f"{gateway.url}/whip/{event['id']}/")
    assert headers["Stentor-Shard"] == str(INGEST.shard)


async def test_publisher_that_is_the_dtls_server_gets_an_active_answer(gateway: Gateway) -> None:
    event = await gateway.new_event()
    answer, _ = await publish(gateway, event, sdp_sample("ffmpeg_whip_passive"))
    assert capsule_in(answer, secret=INGEST.secret, key_id=6).kind is PeerKind.PUBLISHER_PASSIVE
    assert "a=setup:active" in answer.splitlines()


@pytest.mark.parametrize(
    "authorization",
    [None, "Bearer", "Bearer ", "Basic abc", "Bearer wrong", "Bearer " + "\u00e9" * 3, "Bearer a b"],
)
async def test_publisher_without_the_key_is_refused(gateway: Gateway, authorization: str | None) -> None:
    event = await gateway.new_event()
    headers = SDP if authorization is None else {**SDP, "Authorization": authorization}
    await refused(
        gateway,
        "POST",
        f"/whip/{event['id']}",
        status=401,
        slug="unauthorized",
        data=WHIP_OFFER,
        headers=headers,
    )


async def test_key_of_one_event_does_not_open_another(gateway: Gateway) -> None:
    mine, other = await gateway.new_event(), await gateway.new_event()
    headers = {**SDP, "Authorization": f"Bearer {mine['host_key']}"}
    url = f"/whip/{other['id']}"
    await refused(gateway, "POST", url, status=401, slug="unauthorized", data=WHIP_OFFER, headers=headers)

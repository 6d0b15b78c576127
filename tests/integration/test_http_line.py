"""The line as clients meet it: tickets, kept places, calls, coming back, and a gateway under siege."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest_asyncio
import uvloop

from stentor.core.admission.line import Serving
from stentor.core.ids import event_key
from stentor.core.webrtc.capsule import peek_capsule
from stentor.gateway.deps import GatewaySettings
from stentor.gateway.status_source import Move
from support.gateway_server import ADMIN_TOKEN, RELAY, Gateway, assert_problem, running_gateway
from support.signalling import SDP, WHEP_OFFER, join, refused

POST: dict[str, Any] = {"data": WHEP_OFFER, "headers": SDP}


@pytest_asyncio.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with running_gateway(tmp_path) as gateway:
        yield gateway


async def status(gateway: Gateway, event: dict[str, str]) -> dict[str, Any]:
    async with gateway.http.get(f"/api/events/{event['id']}/status") as response:
        assert response.status == 200
        fields: dict[str, Any] = await response.json()
        return fields


async def eventually(condition: Callable[[], Awaitable[bool]], *, within: float) -> None:
    """Return once it holds; the line moves once a second."""
    for _ in range(round(within / 0.05)):
        if await condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"not within {within} s")


async def turned_away(gateway: Gateway, event: dict[str, str]) -> dict[str, Any]:
    """The problem of the one for whom there was no seat."""
    gateway.beat(relay_seats=0)
    problem, headers = await refused(
        gateway, "POST", f"/whep/{event['id']}", status=503, slug="no-room", **POST
    )
    assert int(headers["Retry-After"]) >= 1
    return problem


async def take_ticket(gateway: Gateway, event: dict[str, str]) -> dict[str, Any]:
    async with gateway.http.post(f"/api/events/{event['id']}/ticket") as response:
        assert response.status == 201, await response.text()
        place: dict[str, Any] = await response.json()
        return place


def showing(ticket: str, **more: str) -> dict[str, Any]:
    return {"data": WHEP_OFFER, "headers": {**SDP, "Stentor-Ticket": ticket, **more}}


async def test_seat_comes_with_its_shard_and_a_way_back(gateway: Gateway) -> None:
    _, headers = await join(gateway, await gateway.new_event(live=True))
    assert headers["Stentor-Shard"] == str(RELAY.shard)
    assert len(headers["Stentor-Resume"]) == 56 and len(headers["Stentor-Ticket"]) == 64
    exposed = headers["Access-Control-Expose-Headers"]
    assert "Stentor-Shard" in exposed and "Stentor-Resume" in exposed and "Stentor-Ticket" in exposed


async def test_small_event_is_one_post_each_without_any_line(gateway: Gateway) -> None:
    event = await gateway.new_event(live=True)
    for _ in range(50):
        await join(gateway, event)
    assert (await status(gateway, event))["serving"] is None
    assert gateway.deps.desk.counts(event_key(event["id"])).arrivals.total == 0  # type: ignore[union-attr]


async def test_whoever_finds_no_seat_gets_a_place_and_keeps_it(gateway: Gateway) -> None:
    event = await gateway.new_event(live=True)
    first = await turned_away(gateway, event)
    url = f"/whep/{event['id']}"
    later, _ = await refused(gateway, "POST", url, status=503, slug="in-line", **POST)
    assert later["arrival"] >= first["arrival"]
    for _ in range(3):
        again, headers = await refused(
            gateway, "POST", url, status=425, slug="too-early", **showing(first["ticket"])
        )
        assert (again["ticket"], again["arrival"]) == (first["ticket"], first["arrival"])
        assert int(headers["Retry-After"]) >= 1
    forged = first["ticket"][:-1] + ("A" if first["ticket"][-1] != "A" else "B")
    other, _ = await refused(gateway, "POST", url, status=503, slug="in-line", **showing(forged))
    assert other["ticket"] not in (forged, first["ticket"])


async def test_line_is_called_in_order_when_seats_become_free(gateway: Gateway) -> None:
    event = await gateway.new_event(live=True)
    place = await turned_away(gateway, event)
    url = f"/whep/{event['id']}"

    async def is_waiting() -> bool:
        gateway.beat(relay_seats=0)
        await refused(gateway, "POST", url, status=425, slug="too-early", **showing(place["ticket"]))
        return bool((await status(gateway, event))["waiting"] == 1)

    await eventually(is_waiting, within=6)

    async def is_called() -> bool:
        gateway.beat(relay_seats=50)
        serving = (await status(gateway, event))["serving"]
        return serving is not None and serving["arrival"] >= place["arrival"]

    await eventually(is_called, within=6)
    _, headers = await join(gateway, event, **{"Stentor-Ticket": place["ticket"]})
    assert headers["Stentor-Ticket"] == place["ticket"]


async def test_called_ticket_without_a_seat_keeps_its_place(gateway: Gateway) -> None:
    event = await gateway.new_event(live=True)
    place = await turned_away(gateway, event)
    now = gateway.clock.monotonic()
    gateway.deps.desk.on_serving(event_key(event["id"]), Serving(0, place["arrival"]), 1, now=now)
    url = f"/whep/{event['id']}"
    problem, headers = await refused(
        gateway, "POST", url, status=503, slug="no-room", **showing(place["ticket"])
    )
    assert headers["Retry-After"] == "1" and problem["ticket"] == place["ticket"]
    gateway.beat(relay_seats=1)
    await join(gateway, event, **{"Stentor-Ticket": place["ticket"]})


def ufrag_in(answer: str) -> str:
    """The capsule in an SDP answer."""
    return next(line.removeprefix("a=ice-ufrag:") for line in answer.split("\r\n") if "ice-ufrag" in line)


async def test_returning_listener_goes_past_the_line_for_ten_minutes(gateway: Gateway) -> None:
    event = await gateway.new_event(live=True)
    first, seat = await join(gateway, event)
    kept = {"Stentor-Resume": seat["Stentor-Resume"]}
    await turned_away(gateway, event)
    gateway.beat(relay_seats=5)
    url = f"/whep/{event['id']}"
    stranger = await take_ticket(gateway, event)
    await refused(gateway, "POST", url, status=425, slug="too-early", **showing(stranger["ticket"], **kept))
    answer, _ = await join(gateway, event, **{"Stentor-Ticket": seat["Stentor-Ticket"], **kept})
    assert [peek_capsule(ufrag_in(text)).returning for text in (first, answer)] == [False, True]
    gateway.clock.shift += 601
    gateway.beat(relay_seats=0)
    answers = set()
    async with gateway.http.post(url, **showing(seat["Stentor-Ticket"], **kept)) as response:
        answers.add(response.status)
    assert answers <= {425, 503}


async def test_whoever_returns_to_a_full_house_goes_before_those_who_are_called(gateway: Gateway) -> None:
    event = await gateway.new_event(live=True)
    url = f"/whep/{event['id']}"
    _, seat = await join(gateway, event)
    kept = {name: seat[name] for name in ("Stentor-Ticket", "Stentor-Resume")}
    place = await turned_away(gateway, event)
    now = gateway.clock.monotonic()
    gateway.deps.desk.on_serving(event_key(event["id"]), Serving(0, place["arrival"]), 1, now=now)
    await refused(gateway, "POST", url, status=503, slug="no-room", data=WHEP_OFFER, headers={**SDP, **kept})
    gateway.beat(relay_seats=5)
    await refused(gateway, "POST", url, status=503, slug="no-room", **showing(place["ticket"]))
    await join(gateway, event, **kept)
    await join(gateway, event, **{"Stentor-Ticket": place["ticket"]})


async def test_ticket_alone_is_cheap_and_only_for_live_events(gateway: Gateway) -> None:
    event = await gateway.new_event()
    url = f"/api/events/{event['id']}/ticket"
    _, headers = await refused(gateway, "POST", url, status=409, slug="not-live")
    assert int(headers["Retry-After"]) >= 1
    await gateway.book.go_live(event["id"], now=gateway.clock.wall())
    place = await take_ticket(gateway, event)
    assert abs(place["arrival"] / 1000 - gateway.clock.wall()) < 5
    await gateway.book.end(event["id"], now=gateway.clock.wall())
    await refused(gateway, "POST", url, status=410, slug="event-ended")
    await refused(gateway, "POST", "/api/events/zzzzzzzz/ticket", status=404, slug="no-such-event")


async def test_status_shows_the_line_and_moves(gateway: Gateway) -> None:
    event = await gateway.new_event(live=True)
    await turned_away(gateway, event)
    for _ in range(5):
        await take_ticket(gateway, event)
    gateway.deps.status.moves = [Move(RELAY.shard, 0.5, "seed", gateway.clock.wall() + 15)]

    async def shows_line() -> bool:
        fields = await status(gateway, event)
        return fields["serving"] is not None and fields["waiting"] == 5 and len(fields["moves"]) == 1

    await eventually(shows_line, within=6)
    fields = await status(gateway, event)
    assert fields["full"] is True and fields["arrivals"][-1][1] == 5
    async with gateway.http.get(f"/api/events/{event['id']}") as response:
        record = await response.json()
    assert (record["waiting"], record["full"]) == (5, True)
    assert gateway.metrics.registry.get_sample_value("stentor_queue_depth") == 5


async def test_cluster_tells_numbers_to_everybody_and_events_to_the_operator(gateway: Gateway) -> None:
    event = await gateway.new_event(live=True)
    await join(gateway, event)
    async with gateway.http.get("/api/cluster") as response:
        text = await response.text()
        fields = await response.json()
    assert response.status == 200 and event["id"] not in text
    rows = {row["shard"]: row for row in fields["shards"]}
    assert (rows[RELAY.shard]["state"], rows[RELAY.shard]["listeners"]) == ("ready", 3)
    assert fields["lines"][0]["is_open"] is True
    for secret in (RELAY.secret.hex(), RELAY.fingerprint, ADMIN_TOKEN):
        assert secret not in text
    operator = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    async with gateway.http.get("/api/cluster", headers=operator) as response:
        assert (await response.json())["lines"][0]["event"] == event["id"]


async def test_status_answered_without_the_parser_is_the_same(gateway: Gateway) -> None:
    event = await gateway.new_event(live=True)
    plain = f"GET /api/events/{event['id']}/status HTTP/1.1\r\nHost: x\r\n"
    parsed = await gateway.raw(f"{plain}Connection: close\r\n\r\n".encode())
    ready = await gateway.raw(f"{plain}\r\n".encode())
    assert parsed[0] == ready[0] == 200 and parsed[2] == ready[2]
    ignored = ("connection", "date")
    assert {name: value for name, value in ready[1].items() if name not in ignored} == {
        name: value for name, value in parsed[1].items() if name not in ignored
    }


async def test_one_connection_may_mix_ready_answers_with_others(gateway: Gateway) -> None:
    event = await gateway.new_event(live=True)
    await status(gateway, event)  # now it lies ready
    ask = f"GET /api/events/{event['id']}/status HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    other = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    for sent, answers in ((ask, 1), (other, 1), (ask, 1), (ask[:30], 0), (ask[30:], 1), (ask + other, 2)):
        writer.write(sent)
        for number in range(answers):
            async with asyncio.timeout(5):
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                body = await reader.readexactly(length)
            is_status = b"listeners" in body
            assert head.startswith(b"HTTP/1.1 200") and is_status == (sent != other and number == 0)
        await asyncio.sleep(0.05)
    writer.close()


async def test_page_that_only_polls_keeps_its_connection_and_an_idle_one_goes(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, settings=GatewaySettings(idle_timeout=0.4)) as gateway:
        event = await gateway.new_event(live=True)
        await status(gateway, event)
        ask = f"GET /api/events/{event['id']}/status HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        for _ in range(8):
            await asyncio.sleep(0.15)
            writer.write(ask)
            assert b"listeners" in await reader.read(65536)
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


# The gateway protects itself


async def answer_of(gateway: Gateway, request: bytes = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") -> Any:
    return await gateway.raw(request)


async def test_one_connection_too_many_is_told_so(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, settings=GatewaySettings(connections_per_network=2)) as gateway:
        held = [await asyncio.open_connection("127.0.0.1", gateway.port) for _ in range(2)]
        await asyncio.sleep(0.1)
        answer = await answer_of(gateway)
        assert_problem(*answer, wanted=503, slug="overloaded")
        assert answer[1]["retry-after"] == "2" and answer[1]["connection"] == "close"
        held.pop()[1].close()
        await asyncio.sleep(0.1)
        assert (await answer_of(gateway))[0] == 200
        held.pop()[1].close()
    value = gateway.metrics.registry.get_sample_value
    assert value("stentor_connections_refused_total", {"reason": "too-many-connections"}) == 1


async def test_too_many_new_connections_in_a_second_are_refused(tmp_path: Path) -> None:
    settings = GatewaySettings(accept_rate=1.0, accept_burst=3)
    async with running_gateway(tmp_path, settings=settings) as gateway:
        codes = [(await answer_of(gateway))[0] for _ in range(4)]
        assert codes == [200, 200, 200, 503]
        gateway.clock.shift += 1.0
        assert (await answer_of(gateway))[0] == 200


async def test_head_that_comes_too_slowly_is_answered_and_given_up(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, settings=GatewaySettings(head_timeout=0.2)) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        await asyncio.sleep(0.05)
        for part in (b"GET /healthz", b" HTTP/1.1\r\n", b"Host: x\r\n"):
            writer.write(part)
            await asyncio.sleep(0.02)
        async with asyncio.timeout(5):
            answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 408 ") and b"slow-head" in answer


def test_limits_hold_on_the_loop_that_the_server_runs_on(tmp_path: Path) -> None:
    settings = GatewaySettings(connections_per_network=2, head_timeout=0.2)

    async def besiege() -> None:
        async with running_gateway(tmp_path, settings=settings) as gateway:
            event = await gateway.new_event(live=True)  # this client keeps one connection
            await status(gateway, event)
            ask = f"GET /api/events/{event['id']}/status HTTP/1.1\r\nHost: x\r\n\r\n".encode()
            assert (await gateway.raw(ask))[0] == 200
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            await asyncio.sleep(0.05)
            assert_problem(*await answer_of(gateway), wanted=503, slug="overloaded")
            writer.write(b"GET /healthz HTTP/1.1\r\n")
            async with asyncio.timeout(5):
                assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
            writer.close()

    uvloop.run(besiege())

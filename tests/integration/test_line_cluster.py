"""One line at two gateways, with real processes: its order, its leader's pause, and tickets shown twice."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from stentor.core.ids import event_key
from stentor.core.mesh.envelope import Envelope, control_key, seal_envelope
from stentor.core.mesh.line_messages import LineNotice, ServingRow
from stentor.core.mesh.messages import encode_message
from stentor_loadtest.errors import JoinError
from stentor_loadtest.histogram import Histogram
from stentor_loadtest.listener.listener import Listener
from stentor_loadtest.listener.whep import WhepClient
from stentor_loadtest.wire.dtls import DtlsIdentity
from support.line_cluster import LineCluster, go_on, pause, running_line_cluster
from support.ports import free_tcp_port
from support.publisher import publishing
from support.server_process import Event, ServerProcess
from support.signalling import SDP, WHEP_OFFER
from support.store_process import plain_store, running
from support.waiting import until

pytestmark = [pytest.mark.timeout(90), pytest.mark.asyncio(loop_scope="module")]

SEATS = 8  # at each relay, half of them kept for the death of the other
OPEN = 2**53  # ms: later than any arrival
PAUSE = 5.0  # seconds: longer than the lease, which lapses after three


class House:
    """The cluster, an event on air, and those who were seated."""

    def __init__(self, cluster: LineCluster, event: Event, http: aiohttp.ClientSession) -> None:
        self.cluster, self.event, self.http = cluster, event, http
        self.seated: list[Listener] = []

    def listener(self, gateway: ServerProcess, ticket: str | None = None) -> Listener:
        whep = WhepClient(self.http, f"{gateway.base}/whep/{self.event.id}")
        return Listener(whep, DtlsIdentity(), Histogram(), ticket=ticket)

    async def fill(self) -> None:
        """Until every seat is taken and there is a line; who finds no seat free comes again with a ticket."""
        places = []
        for number in range(SEATS + 4):
            gateway = self.cluster.gateways[number % 2]
            if await self.come(gateway):
                places.append(await self.ticket(gateway))
        await self.seat(places, ["http 503"] * len(places), SEATS)
        for gateway in self.cluster.gateways:
            await self.closes(gateway)

    async def closes(self, gateway: ServerProcess) -> None:
        """Return once nobody is seated at once any more there."""
        for _ in range(100):
            if await self.serving(gateway) != OPEN:
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"no line within 10 s: {await self.status(gateway)}")

    async def leave(self, people: int) -> None:
        for _ in range(people):
            await self.seated.pop().leave()

    async def status(self, gateway: ServerProcess) -> dict[str, Any]:
        async with self.http.get(f"{gateway.base}/api/events/{self.event.id}/status") as answer:
            return dict(await answer.json())

    async def ticket(self, gateway: ServerProcess) -> dict[str, Any]:
        async with self.http.post(f"{gateway.base}/api/events/{self.event.id}/ticket") as answer:
            assert answer.status == 201
            return dict(await answer.json())

    async def knock(self, gateway: ServerProcess, ticket: str) -> int:
        """The status of a POST; nobody comes afterwards."""
        headers = {**SDP, "Stentor-Ticket": ticket}
        url = f"{gateway.base}/whep/{self.event.id}"
        async with self.http.post(url, data=WHEP_OFFER, headers=headers) as answer:
            await answer.read()
            return answer.status

    async def come(self, gateway: ServerProcess, ticket: str | None = None) -> str:
        """Listen, with a ticket or without; "" or why not."""
        listener = self.listener(gateway, ticket)
        try:
            await listener.join()
        except JoinError as error:
            return error.reason
        self.seated.append(listener)
        return ""

    async def seat(self, places: list[dict[str, Any]], answers: list[str], full: int) -> None:
        """Whoever has no seat yet comes again, as pages do, until the house is full."""
        for number in range(60):
            for at, place in enumerate(places):
                if len(self.seated) == full:
                    return
                if answers[at] == "http 503" or (answers[at] and not number % 4):
                    answers[at] = await self.come(self.cluster.gateways[(at + number) % 2], place["ticket"])
                    assert answers[at] in ("", "http 425", "http 503")
            await asyncio.sleep(0.25)
        raise AssertionError(f"{len(self.seated)} of {full} seats are taken: {answers}")

    async def queue(self, people: int) -> list[dict[str, Any]]:
        """People who come one by one, to each gateway in turn; first to come, first in the list."""
        places = []
        for number in range(people):
            places.append(await self.ticket(self.cluster.gateways[number % 2]))
            await asyncio.sleep(0.02)
        return places

    async def serving(self, gateway: ServerProcess) -> int:
        """The arrival time that is called there; OPEN when nobody has to wait."""
        found = (await self.status(gateway))["serving"]
        return OPEN if found is None else int(found["arrival"])

    async def serves(self, gateway: ServerProcess, arrival: int) -> None:
        """Return once this arrival time is called there."""
        for _ in range(150):
            if await self.serving(gateway) >= arrival:
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"not called within 15 s: {await self.status(gateway)}")

    async def lets_in(self, gateway: ServerProcess, ticket: str) -> None:
        """Return once a ticket is answered with a seat there."""
        for _ in range(140):
            answer = await self.knock(gateway, ticket)
            if answer == 201:
                return
            await asyncio.sleep(0.25)
        raise AssertionError(f"not let in within 35 s: {answer}")

    def leads(self, gateway: ServerProcess) -> bool:
        return bool(self.cluster.cluster(gateway)["leading"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("line")
    async with running(plain_store(folder / "store", free_tcp_port())) as store:
        with running_line_cluster(folder, store.url, seats=SEATS) as cluster:
            event = cluster.gateways[0].create_event()
            with publishing(cluster.gateways[0], event):
                connector = aiohttp.TCPConnector(limit=32)
                timeout = aiohttp.ClientTimeout(total=10)
                async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
                    house = House(cluster, event, http)
                    yield house
                    for listener in house.seated:
                        listener.vanish()


async def test_one_gateway_leads_and_the_line_is_called_in_order_at_both(house: House) -> None:
    cluster = house.cluster
    await until(lambda: cluster.leader() is not None, within=10, what="one gateway leads")
    await house.fill()
    await until(lambda: sum(cluster.seated()) == SEATS, what="a relay counts once a second")
    places = await house.queue(24)
    arrivals = [place["arrival"] for place in places]
    assert arrivals == sorted(arrivals), "two gateways date their tickets by one clock"
    await house.leave(4)
    for gateway in cluster.gateways:
        await house.serves(gateway, arrivals[0])
    answers = [
        await house.come(cluster.gateways[(number + 1) % 2], place["ticket"])  # not where it was given
        for number, place in enumerate(places)
    ]
    is_called = [answer in ("", "http 503") for answer in answers]
    assert set(answers) <= {"", "http 425", "http 503"}
    assert is_called[0]  # perhaps before this gateway has heard where a seat is free
    assert is_called == sorted(is_called, reverse=True), "who came first is called first"
    assert not is_called[-1] and answers.count("") <= 4
    await house.seat(places, answers, SEATS)
    await until(lambda: sum(cluster.seated()) >= SEATS, what="a full house")
    assert sum(cluster.seated()) == SEATS, "nobody beyond the seats"


async def test_leader_that_was_paused_is_replaced_not_listened_to_and_follows(house: House) -> None:
    cluster = house.cluster
    old = cluster.leader()
    assert old is not None
    new = cluster.other(old)
    before = await house.serving(new)
    later = await house.ticket(new)
    pause(old)
    paused_at = time.monotonic()
    try:
        await until(lambda: house.leads(new), within=10, what="the other leads")
        await house.leave(2)
        await house.serves(new, before + 1)
        assert (await house.ticket(new))["arrival"] > later["arrival"], "the clock goes on"
        await asyncio.sleep(max(0.0, PAUSE - (time.monotonic() - paused_at)))
    finally:
        go_on(old)
    reached = before
    for _ in range(20):
        await asyncio.sleep(0.1)
        assert not house.leads(old) and house.leads(new)
        now = await house.serving(new)
        assert now >= reached, "thresholds never fall"
        reached = reached if now == OPEN else now
    assert await house.serving(old) >= before
    assert abs((await house.ticket(old))["arrival"] - (await house.ticket(new))["arrival"]) < 1000


async def test_notice_of_a_leader_that_was_replaced_changes_nothing(house: House) -> None:
    cluster = house.cluster
    gateway = cluster.gateways[0]
    refused = partial(gateway.metric, "stentor_datagrams_dropped_total", reason="mesh stale leader")
    before = refused()
    far = 2**52  # ms
    row = ServingRow(event_key(house.event.id), 1, 2**32, far, 5, 0)
    kind, body = encode_message(LineNotice(1, round(time.time() * 1000) + 86_400_000, (row,)))
    datagram = seal_envelope(Envelope(kind, b"stale...", 1, body), control_key(cluster.secret))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(datagram, ("127.0.0.1", cluster.cluster_ports[gateway.http_port]))
    await asyncio.sleep(1.2)
    assert refused() == before + 1
    assert await house.serving(gateway) != far
    assert (await house.ticket(gateway))["arrival"] < (time.time() + 60) * 1000


async def test_one_called_ticket_shown_a_thousand_times_takes_one_seat_at_each_of_two_relays(
    house: House,
) -> None:
    cluster = house.cluster
    taken = cluster.seated()
    await house.leave(len(house.seated))
    await until(lambda: cluster.seated() == [0, 0], within=10, what=f"everybody has left, from {taken}")
    place = await house.ticket(cluster.gateways[0])
    ticket = place["ticket"]
    await house.lets_in(cluster.gateways[1], ticket)
    await house.seat([place], ["http 503"], 1)
    answers: Counter[int] = Counter()
    most = 0
    gate = asyncio.Semaphore(16)

    async def show(number: int) -> None:
        nonlocal most
        async with gate:
            gateway = cluster.gateways[number % 2]
            if number % 25:
                answers[await house.knock(gateway, ticket)] += 1
                return
            listener = house.listener(gateway, ticket)
            try:
                await listener.join(timeout=3.0)
                house.seated.append(listener)
                answers[201] += 1
            except JoinError:
                answers[0] += 1
            seated = await asyncio.to_thread(cluster.seated)
            most = max(most, *seated)

    await asyncio.gather(*(show(number) for number in range(1000)))
    assert answers.total() == 1000 and set(answers) <= {0, 201, 425, 503}
    # How many found the seat free is chance (the others met the line, or a relay's credits); one more does.
    await house.seat([place], ["http 503"], len(house.seated) + 1)
    await asyncio.sleep(1.5)
    assert most <= 1 and max(cluster.seated()) == 1, "one ticket, one seat at a relay"

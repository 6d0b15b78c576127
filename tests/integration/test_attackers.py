"""Floods: nobody gets in, nobody's sound moves, no stranger is sent much, and who listens loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from stentor_loadtest.histogram import Histogram
from stentor_loadtest.listener.listener import Listener
from stentor_loadtest.listener.whep import WhepClient
from stentor_loadtest.run.cpu import usage_of
from stentor_loadtest.swarm.crowd import Crowd
from stentor_loadtest.swarm.whep import WhepSignalling
from stentor_loadtest.wire import sdp
from stentor_loadtest.wire.dtls import DtlsIdentity
from support.attack import Target, attack, offer, unused_capsule
from support.flood import flood, forged_datagrams, replay_from, spoofed_addresses
from support.publisher import publishing
from support.server_process import Event, ServerProcess, running_server
from support.waiting import until

FORGED = 100_000
SPOOFED = 10_000
RATE = 8_000  # datagrams a second
CROWD = 100  # listeners
FLOOD_RATE, FLOOD_SECONDS = 10_000, 8.0
BATCH = 500  # spoofed addresses at a time: one captured capsule lives 5 s


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="module")
def event(server: ServerProcess) -> Iterator[Event]:
    event = server.create_event()
    with publishing(server, event):
        yield event


@dataclass(slots=True)
class House:
    """Three listeners, and everything the first one ever sent."""

    whep: WhepClient
    listeners: list[Listener]
    captured: list[bytes]

    def lost(self) -> int:
        return sum(listener.reception.lost for listener in self.listeners)

    def received(self) -> list[int]:
        return [listener.reception.packets for listener in self.listeners]


@pytest.fixture
async def house(event: Event) -> AsyncIterator[House]:
    captured: list[bytes] = []
    async with aiohttp.ClientSession() as http:
        whep = WhepClient(http, event.whep_url)
        taps = (captured.append, None, None)
        listeners = [Listener(whep, DtlsIdentity(), Histogram(), on_send=tap) for tap in taps]
        for listener in listeners:
            await listener.join()
        yield House(whep, listeners, captured)
        for listener in listeners:
            await listener.leave()


async def test_forged_datagrams_create_nobody_and_disturb_nobody(server: ServerProcess, house: House) -> None:
    target = ("127.0.0.1", server.udp_port)
    session = await house.whep.start(offer(DtlsIdentity()))
    ufrag = sdp.parse_answer(session.answer).ice_ufrag
    await asyncio.to_thread(flood, target, forged_datagrams(5_000, ufrag=ufrag, seed=2), rate=RATE)  # warm up
    before = usage_of(server.pid)
    joins = server.metric("stentor_joins_total", step="first_contact")
    echo = await asyncio.to_thread(flood, target, forged_datagrams(FORGED, ufrag=ufrag), rate=RATE)
    after = usage_of(server.pid)
    assert before is not None
    assert after is not None
    assert server.metric("stentor_listeners", state="connected") == 3
    assert server.metric("stentor_listeners", state="half_open") == 0
    assert server.metric("stentor_joins_total", step="first_contact") == joins
    assert echo.worst <= 3
    assert after.resident_bytes < 1.05 * before.resident_bytes
    assert house.lost() == 0


async def test_captured_datagrams_from_elsewhere_move_nobodys_sound(
    server: ServerProcess, house: House
) -> None:
    target = ("127.0.0.1", server.udp_port)
    identity = DtlsIdentity()
    addresses = spoofed_addresses(SPOOFED)
    before = usage_of(server.pid)
    worst = 0.0
    for at in range(0, SPOOFED, BATCH):
        theirs = at % (2 * BATCH) == 0  # half of them replay a listener who hears, half a capsule nobody used
        datagrams = house.captured[:4] if theirs else await unused_capsule(house.whep, identity)
        echo = await asyncio.to_thread(replay_from, addresses[at : at + BATCH], target, datagrams, listen=0.3)
        worst = max(worst, echo.worst)
    after = usage_of(server.pid)
    assert worst <= 3
    assert before is not None
    assert after is not None
    assert after.resident_bytes < 1.05 * before.resident_bytes
    assert server.metric("stentor_listeners", state="connected") == 3
    assert house.lost() == 0
    heard = house.received()
    await until(
        lambda: all(now > then + 40 for now, then in zip(house.received(), heard, strict=True)),
        what="everybody still hears",
    )
    assert house.lost() == 0


async def test_a_flood_from_thousands_of_addresses_harms_nobody(
    server: ServerProcess, event: Event, tmp_path: Path
) -> None:
    """In small what `python -m bench.attackers` does at 50,000 datagrams a second and 1,000 listeners."""
    target = Target(server.pid, ("127.0.0.1", server.udp_port), event.whep_url)
    signalling = partial(WhepSignalling, server.base, event.id)
    crowd = Crowd(CROWD, signalling, first_address=None, prefer="127.0.0.1")
    crowd.open()
    try:
        await crowd.join(CROWD, rate=40)
        outcome = await attack(target, crowd, tmp_path, rate=FLOOD_RATE, seconds=FLOOD_SECONDS)
        assert outcome.rate > 0.7 * FLOOD_RATE
        assert outcome.window.loss <= 0.005
        assert outcome.window.silent == 0
        assert outcome.witness_lost == 0
        assert outcome.worst <= 3
        assert outcome.grown < 1.05
        await until(
            lambda: server.metric("stentor_listeners", state="connected") == CROWD,
            what="the witness has gone, and nobody else",
        )
        await crowd.leave()
    finally:
        await crowd.close()

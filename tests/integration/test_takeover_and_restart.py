"""Hosts that go and come back, tickets used twice, a server that is killed: as a listener sees it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from stentor_loadtest.errors import JoinError
from stentor_loadtest.histogram import Histogram
from stentor_loadtest.listener.listener import Listener
from stentor_loadtest.listener.whep import WhepClient
from stentor_loadtest.wire.dtls import DtlsIdentity
from support.publisher import FIRST_SOUND, Publisher, host_state, publishing
from support.server_process import Event, ServerProcess, running_server
from support.waiting import until

SOUND = 20  # bytes: a packet of the tone is longer, a silence frame has three


class Ear:
    """A listener that notes when it hears sound and when silence."""

    def __init__(self, whep: WhepClient, *, ticket: str | None = None) -> None:
        self.sound = 0
        self.silence = 0
        self.listener = Listener(
            whep, DtlsIdentity(), Histogram(), verify_every=1, ticket=ticket, on_payload=self._hear
        )

    def _hear(self, payload: bytes) -> None:
        if len(payload) > SOUND:
            self.sound += 1
        else:
            self.silence += 1

    async def hears(self, *, within: float) -> None:
        """Return after the next second of sound."""
        wanted = self.sound + 50
        await until(lambda: self.sound >= wanted, within=within, what="a second of sound")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def event(server: ServerProcess) -> Event:
    return server.create_event()


@pytest.fixture
async def whep(event: Event) -> AsyncIterator[WhepClient]:
    async with aiohttp.ClientSession() as http:
        yield WhepClient(http, event.whep_url)


async def test_second_browser_with_the_same_ticket_replaces_the_first(
    server: ServerProcess, event: Event, whep: WhepClient
) -> None:
    with publishing(server, event):
        first = Ear(whep)
        await first.listener.join()
        assert first.listener.ticket is not None
        second = Ear(whep, ticket=first.listener.ticket)
        await second.listener.join()
        await second.hears(within=5)
        received = first.listener.reception.packets
        await second.hears(within=5)
        assert first.listener.reception.packets == received  # nothing went to the first any more
        assert server.metric("stentor_listeners") == 1
        assert await second.listener.leave() == 200
        first.listener.vanish()
    await until(lambda: server.metric("stentor_listeners") == 0, what="the seat is free")


async def test_session_that_was_ended_is_gone(server: ServerProcess, event: Event, whep: WhepClient) -> None:
    with publishing(server, event):
        ear = Ear(whep)
        await ear.listener.join()
        assert await ear.listener.leave() == 200
        assert await ear.listener.leave() == 404


async def test_nobody_gets_in_before_the_host(event: Event, whep: WhepClient) -> None:
    with pytest.raises(JoinError, match="http 409"):
        await Ear(whep).listener.join()


async def test_host_that_loses_power_comes_back_to_the_same_listeners(
    server: ServerProcess, event: Event, whep: WhepClient
) -> None:
    ear = Ear(whep)
    with publishing(server, event) as host:
        await ear.listener.join()
        await ear.hears(within=5)
        await asyncio.to_thread(host.kill)
    silence = ear.silence
    await until(lambda: ear.silence > silence + 100, within=6, what="two seconds of silence frames")
    sound = ear.sound
    with publishing(server, event):
        await until(lambda: ear.sound > sound, within=2, what="the host is heard again")
        await ear.hears(within=3)
        assert ear.listener.reception.lost == 0
        assert ear.listener.reception.backwards == 0
        assert ear.listener.failure is None
        await ear.listener.leave()


async def test_second_publisher_takes_over_from_the_first(
    server: ServerProcess, event: Event, whep: WhepClient
) -> None:
    ear = Ear(whep)
    with publishing(server, event) as first:
        await ear.listener.join()
        await ear.hears(within=5)
        second = Publisher(event, server.state_dir / "second.log", "--tone")
        try:
            await until(
                lambda: first.exit_code is not None, within=FIRST_SOUND, what="the first is sent away"
            )
            await ear.hears(within=3)
            assert host_state(server, event) == "present"
            assert ear.listener.reception.backwards == 0
            assert ear.listener.reception.lost <= 5  # what was under way when the first was cut off
            assert second.exit_code is None
        finally:
            second.stop()
        await ear.listener.leave()


async def test_killed_server_knows_its_events_and_takes_everybody_back(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        event = server.create_event("Kept")
        async with aiohttp.ClientSession() as http:
            whep = WhepClient(http, event.whep_url)
            before = Ear(whep)
            with publishing(server, event) as host:
                await before.listener.join()
                await asyncio.to_thread(host.kill)
            server.kill()
            await asyncio.to_thread(server.start)
            with publishing(server, event):
                received = before.listener.reception.packets
                after = Ear(whep)
                await after.listener.join()
                await after.hears(within=5)
                assert before.listener.reception.packets == received  # nothing half-lives on a new server
                before.listener.vanish()
                await after.listener.leave()

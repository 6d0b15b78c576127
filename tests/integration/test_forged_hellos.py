"""Somebody sends ClientHellos with the listeners' addresses, just before their own: who still gets in."""

from __future__ import annotations

import time
from pathlib import Path

import aiohttp

from stentor_loadtest.histogram import Histogram
from stentor_loadtest.listener.listener import Listener
from stentor_loadtest.listener.whep import WhepClient
from stentor_loadtest.wire.dtls import DtlsIdentity
from support.hello_victim import Victim, be_the_first_victim
from support.publisher import publishing
from support.server_process import running_server

VICTIMS = 10


async def test_after_the_first_victim_everybody_gets_in_at_once(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        event = server.create_event()
        with publishing(server, event):
            # This one is lost: nothing shows yet that the hello before its own is a stranger's.
            assert await be_the_first_victim(event.whep_url)
            async with aiohttp.ClientSession() as http:
                whep = WhepClient(http, event.whep_url)
                listeners: list[Listener] = [
                    Victim(whep, DtlsIdentity(), Histogram()) for _ in range(VICTIMS)
                ]
                listeners.append(Listener(whep, DtlsIdentity(), Histogram()))  # nobody means this one harm
                for listener in listeners:
                    began = time.monotonic()
                    await listener.join(timeout=5.0)
                    assert time.monotonic() - began < 1.0
                for listener in listeners:
                    assert await listener.leave() == 200

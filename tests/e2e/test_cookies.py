"""Browsers answer a HelloVerifyRequest: what a shard asks of everybody while strangers forge ClientHellos."""

from __future__ import annotations

import asyncio
from pathlib import Path
from threading import Thread

from playwright.sync_api import Browser

from support.hello_victim import be_the_first_victim
from support.network import far_side
from support.node import run_node
from support.pages import ListenPage
from support.publisher import publishing
from support.server_process import Event, ServerProcess


def forge_a_hello(event: Event) -> None:
    """In a thread: Playwright's driver has this one's event loop."""
    failures: list[str] = []
    thread = Thread(target=lambda: failures.append(asyncio.run(be_the_first_victim(event.whep_url))))
    thread.start()
    thread.join()
    assert failures[0], "the stranger's hello was not answered before the victim's"


def test_chromium_shows_the_cookie_and_hears(browser: Browser, server: ServerProcess, event: Event) -> None:
    with publishing(server, event):
        forge_a_hello(event)
        listener = ListenPage(browser, event.listen_url)
        listener.wait_for_state("ready", timeout=5)
        listener.listen()
        listener.wait_for_state("live", timeout=5)
        listener.wait_for_sound(timeout=5)
        assert listener.probe("connectedMs") < 1000
        assert listener.errors == []
        listener.close()


def test_firefox_shows_the_cookie_and_hears(tmp_path: Path) -> None:
    with far_side(23) as side:
        server = ServerProcess(tmp_path, host="0.0.0.0", reach=side.here)
        try:
            server.start()
            event = server.create_event()
            with publishing(server, event):
                forge_a_hello(event)
                found = run_node("firefox_listener.mjs", event.listen_url, "2", prefix=side.prefix)
        finally:
            server.stop()
    assert found["state"] == "live"
    assert found["connectedMs"] < 2000

"""The host's browser dies, the server dies: listeners hear on, and nobody clicks anything."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright

from support.chromium import KillableChromium
from support.pages import ListenPage, StudioPage
from support.server_process import Event, ServerProcess

BACK_AFTER = 5.0  # seconds the host is away
HEARD_AFTER_RETURN = 2.0  # seconds
HEARD_AFTER_RESTART = 8.0  # seconds


@pytest.fixture
def audience(browser: Browser, event: Event) -> Iterator[list[ListenPage]]:
    """Three listener pages, not listening yet."""
    pages = [ListenPage(browser, event.listen_url) for _ in range(3)]
    yield pages
    for page in pages:
        page.close()


def start_listening(audience: list[ListenPage]) -> None:
    for listener in audience:
        listener.wait_for_state("ready", timeout=15)
        listener.listen()
    for listener in audience:
        listener.wait_for_state("live", timeout=5)
        listener.wait_for_sound(timeout=5)


def test_host_whose_browser_was_killed_is_heard_again_when_back(
    playwright_driver: Playwright, event: Event, speech: Path, audience: list[ListenPage]
) -> None:
    first = KillableChromium(playwright_driver, microphone=speech)
    try:
        StudioPage(first.browser, event.host_url).go_live()
        start_listening(audience)
    finally:
        first.kill()
    killed = time.monotonic()
    second = KillableChromium(playwright_driver, microphone=speech)
    try:
        studio = StudioPage(second.browser, event.host_url)
        studio.page.wait_for_timeout(max(0.0, 1000 * (killed + BACK_AFTER - time.monotonic())))
        sound = [listener.sound_energy() for listener in audience]
        studio.go_live()
        for listener, before in zip(audience, sound, strict=True):
            listener.wait_for_sound(timeout=HEARD_AFTER_RETURN)
            assert listener.sound_energy() > before
            assert listener.probe("joins") == 1  # the same session all the time
            assert listener.state() == "live"
            assert listener.errors == []
    finally:
        second.kill()


def test_host_who_reloads_the_page_comes_back_by_itself(
    browser: Browser, event: Event, audience: list[ListenPage]
) -> None:
    host = StudioPage(browser, event.host_url)
    host.go_live()
    start_listening(audience)
    host.page.reload()
    host.wait_for_state("live", timeout=10)
    for listener in audience:
        listener.wait_for_sound(timeout=HEARD_AFTER_RETURN)
        assert listener.probe("joins") == 1
    host.close()


def test_killed_and_restarted_server_is_heard_within_eight_seconds_without_a_click(
    browser: Browser, server: ServerProcess, event: Event, audience: list[ListenPage]
) -> None:
    host = StudioPage(browser, event.host_url)
    host.go_live()
    start_listening(audience)
    joins = [listener.probe("joins") for listener in audience]
    server.kill()
    for listener in audience:
        listener.wait_for_state("recovering", timeout=5)
    restarted = time.monotonic()
    server.start()
    for listener, before in zip(audience, joins, strict=True):
        listener.wait_for_state("live", timeout=8)
        assert listener.probe("joins") > before
        listener.wait_for_sound(timeout=8)
    took = time.monotonic() - restarted
    print(f"everybody hears {took:.1f} s after the restart began")
    assert took < HEARD_AFTER_RESTART
    assert host.state() == "live"
    host.close()

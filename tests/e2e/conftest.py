"""What the browser tests share. One server and one browser per module: an asyncio test cannot run beside a
live Playwright driver, so nothing of it outlives its module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from support.chromium import chromium
from support.server_process import Event, ServerProcess, running_server
from support.speech import write_speech

SPEECH_SECONDS = 30.0


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the host says, again and again."""
    return write_speech(tmp_path_factory.mktemp("sound") / "speech.wav", seconds=SPEECH_SECONDS)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server of this module's own."""
    with running_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="module")
def playwright_driver() -> Iterator[Playwright]:
    """The driver, for tests that start browsers of their own."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright_driver: Playwright, speech: Path) -> Iterator[Browser]:
    """A Chromium whose microphone is the speech file."""
    with chromium(playwright_driver, microphone=speech) as browser:
        yield browser


@pytest.fixture
def event(server: ServerProcess) -> Event:
    """A new event."""
    return server.create_event()

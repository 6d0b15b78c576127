"""Pictures of the pages for the documentation: `python tests/e2e/screenshots.py docs/images`.

Starts a server of its own, goes live with spoken text, and photographs studio and listener page in English
and Arabic, as on a phone and on a desktop.
"""

from __future__ import annotations

import datetime
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

from playwright.sync_api import Browser, sync_playwright

from support.chromium import chromium
from support.pages import ListenPage, StudioPage
from support.server_process import Event, ServerProcess, running_server
from support.speech import write_speech

LANGUAGES = {"en": ("en-GB", "An evening by the sea"), "ar": ("ar-EG", "أمسية عند البحر")}
WIDTHS = {"phone": 390, "desktop": 1280}


def main(directory: Path) -> None:
    """Write every picture into `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as scratch:
        speech = write_speech(Path(scratch, "speech.wav"), seconds=20.0)
        state = Path(scratch, "state")
        state.mkdir()
        with (
            running_server(state) as server,
            sync_playwright() as driver,
            chromium(driver, microphone=speech) as browser,
        ):
            for language, (locale, title) in LANGUAGES.items():
                _early(browser, server, directory, language, locale, title)
                _live(browser, server.create_event(title), directory, language, locale)


def _early(
    browser: Browser, server: ServerProcess, directory: Path, language: str, locale: str, title: str
) -> None:
    starts = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=2, minutes=4, seconds=31)
    answer = server.post("/api/events", {"title": title, "starts_at": starts.strftime("%Y-%m-%dT%H:%M:%SZ")})
    page = ListenPage(browser, str(answer["listen_url"]), locale=locale, width=WIDTHS["phone"])
    page.wait_for_state("early", timeout=5)
    _shoot(page, directory / f"listener-early-{language}-phone.png")
    page.close()


def _live(browser: Browser, event: Event, directory: Path, language: str, locale: str) -> None:
    for device, width in WIDTHS.items():
        host = StudioPage(browser, event.host_url, query="?agc=0", locale=locale, width=width)
        host.turn_on_microphone()
        host.page.wait_for_timeout(1500)  # the meter has something to show
        _shoot(host, directory / f"studio-check-{language}-{device}.png")
        host.go_live()
        listener = ListenPage(browser, event.listen_url, locale=locale, width=width)
        listener.wait_for_state("ready", timeout=5)
        _shoot(listener, directory / f"listener-ready-{language}-{device}.png")
        listener.listen()
        listener.wait_for_state("live", timeout=5)
        host.page.wait_for_timeout(4000)  # the count of listeners is asked for every three seconds
        _shoot(listener, directory / f"listener-live-{language}-{device}.png")
        _shoot(host, directory / f"studio-live-{language}-{device}.png")
        for page in (listener, host):
            page.close()


def _shoot(page: ListenPage | StudioPage, path: Path) -> None:
    page.page.screenshot(path=path, full_page=True)
    print(path)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images"))

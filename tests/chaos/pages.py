"""The Chromium of a scenario: a page that listens, and the flags that a host's page needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from chaos.verdict import Figure, at_most, told
from support.chromium import EXECUTABLE, FLAGS, microphone_flags
from support.pages import ListenPage
from support.speech import write_speech

EVERY_MS = 100
_DIARY = """every => {
  window.chaosDiary = [];
  setInterval(async () => {
    const stats = await stentorProbe.stats();
    window.chaosDiary.push([Date.now() / 1000, stentorProbe.state, stats ? stats.packetsReceived : null]);
  }, every);
}"""


@dataclass(frozen=True, slots=True)
class PageRecord:
    """What one page went through."""

    states: tuple[str, ...]
    """In order, each once in a row."""
    longest_silence: float
    """Seconds without a new packet."""
    errors: tuple[str, ...]

    def figures(self, *, limit: float) -> list[Figure]:
        """For the table; `limit` in seconds."""
        return [
            at_most("the page's longest time without a packet, s", round(self.longest_silence, 2), limit),
            told("the page's states", " > ".join(self.states)),
        ]


class PageListener:
    """A person who pressed the button."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.page = ListenPage(browser, url)
        self.page.wait_for_state("ready", timeout=15)
        self.page.listen()
        self.page.wait_for_state("live", timeout=15)
        self.page.page.evaluate(_DIARY, EVERY_MS)

    def finish(self) -> PageRecord:
        """Close it; what it went through."""
        diary = self.page.page.evaluate("window.chaosDiary")
        record = PageRecord(*read_diary(diary), tuple(self.page.errors))
        self.page.close()
        return record


def read_diary(diary: list[list[Any]]) -> tuple[tuple[str, ...], float]:
    """States in order, and the longest time in seconds in which the number of packets stayed the same."""
    states: list[str] = []
    longest, since, packets = 0.0, diary[0][0], diary[0][2]
    for when, state, count in diary:
        if not states or states[-1] != state:
            states.append(state)
        longest = max(longest, when - since)
        if count is not None and count != packets:
            packets, since = count, when
    return tuple(states), longest


@contextmanager
def browser_for(base: str, folder: Path) -> Iterator[Browser]:
    """A Chromium that treats `base` as HTTPS (a microphone needs it) and whose microphone speaks."""
    speech = write_speech(folder / "speech.wav", seconds=10.0)
    flags = [*FLAGS, *microphone_flags(speech), f"--unsafely-treat-insecure-origin-as-secure={base}"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=flags)
        try:
            yield browser
        finally:
            browser.close()

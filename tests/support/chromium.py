"""Debian's Chromium, driven by Playwright, with a WAV file as microphone."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Playwright

from support.waiting import wait_for

EXECUTABLE = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    # Pages that no window shows must not be slowed down: three listeners share one browser.
    "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
)


def microphone_flags(wav: Path) -> tuple[str, ...]:
    """The file, played in a loop, is the only microphone; the question for leave is answered with yes."""
    return (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={wav}",
    )


@contextmanager
def chromium(playwright: Playwright, *, microphone: Path | None = None) -> Iterator[Browser]:
    """A fresh browser for the time of a `with`."""
    flags = [*FLAGS, *(microphone_flags(microphone) if microphone else ())]
    browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=flags)
    try:
        yield browser
    finally:
        browser.close()


class KillableChromium:
    """A browser started by ourselves, so that it can be killed as a whole by its process group."""

    def __init__(self, playwright: Playwright, *, microphone: Path) -> None:
        self._profile = TemporaryDirectory(prefix="stentor-chromium-", ignore_cleanup_errors=True)
        command = [EXECUTABLE, "--headless=new", *FLAGS, *microphone_flags(microphone)]
        command += [f"--user-data-dir={self._profile.name}", "--remote-debugging-port=0", "about:blank"]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            self.browser = playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{self._port()}")
        except BaseException:
            self.kill()
            raise

    def _port(self) -> str:
        """The port it chose for its driver, once it has written it down."""
        marker = Path(self._profile.name, "DevToolsActivePort")
        lines = wait_for(
            lambda: marker.exists() and marker.read_text().split(), timeout=15, what="its driver's port"
        )
        return str(lines[0])

    def kill(self) -> None:
        """End all its processes at once. Safe to call twice."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
        self._profile.cleanup()

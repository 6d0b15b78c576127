"""The pages as people use them: by the names of buttons; and the probe they keep for tests."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Callable
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Browser, ConsoleMessage, Page

from support.speech import RATE

NO_PROCESSING = "?ec=0&ns=0&agc=0"  # echo cancellation and its like would change what is compared
AUDIBLE = 5e-4  # of totalAudioEnergy: about a tenth of a second of speech; silence frames add nothing

_RECORD = """() => {
  const recorder = new MediaRecorder(stentorProbe.stream(), { mimeType: "audio/webm;codecs=pcm" });
  const parts = [];
  recorder.ondataavailable = (event) => parts.push(event.data);
  recorder.start(1000);
  window.recording = { recorder, parts };
}"""
_STOP_RECORDING = """() => new Promise((resolve) => {
  const { recorder, parts } = window.recording;
  recorder.onstop = () => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.split(",")[1]);
    reader.readAsDataURL(new Blob(parts));
  };
  recorder.stop();
})"""


class AnyPage:
    """What both pages have: a probe, and what went wrong in them."""

    def __init__(self, browser: Browser, url: str, *, locale: str = "en-GB", width: int = 1280) -> None:
        # Without a graphics card every animated frame is drawn by the processor that also carries the sound.
        self.context = browser.new_context(
            locale=locale, viewport={"width": width, "height": 800}, reduced_motion="reduce"
        )
        self.page: Page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._note)
        self.page.goto(url)

    def state(self) -> str:
        """`stentorProbe.state`."""
        return str(self.page.evaluate("stentorProbe.state"))

    def wait_for_state(self, state: str, *, timeout: float) -> None:
        """Return once the page says it is in `state`. Seconds."""
        self.wait(lambda: self.state() == state, timeout=timeout, what=f"state {state}")

    def wait(self, condition: Callable[[], bool], *, timeout: float, what: str) -> None:
        """Return once `condition` holds. Asked from outside: the page's own policy forbids evaluated text."""
        end = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < end, f"not within {timeout} s: {what}; {self.said()}"
            self.page.wait_for_timeout(30)

    def said(self) -> str:
        """What the page shows and what went wrong in it, for a message."""
        text = " | ".join(self.page.locator("main").inner_text().split("\n"))
        stats = self.page.evaluate("stentorProbe.stats()")
        return f"state {self.state()}, page says {text!r}, errors {self.errors}, statistics {stats}"

    def probe(self, name: str) -> Any:
        """One value of the probe."""
        return self.page.evaluate("name => stentorProbe[name]", name)

    def stats(self) -> dict[str, Any]:
        """`stentorProbe.stats()`."""
        found = self.page.evaluate("stentorProbe.stats()")
        assert isinstance(found, dict), f"no statistics in state {self.state()}"
        return found

    def close(self) -> None:
        """Close the page and everything it kept."""
        self.context.close()

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} {message.location.get('url', '')}")


class StudioPage(AnyPage):
    """The host's page."""

    def __init__(
        self, browser: Browser, host_url: str, *, query: str = NO_PROCESSING, **options: Any
    ) -> None:
        address, _, key = host_url.partition("#")
        super().__init__(browser, f"{address}{query}#{key}", **options)

    def turn_on_microphone(self) -> None:
        """Press the button, unless the page has opened the microphone by itself."""
        self.wait_for_setup()
        if self.probe("microphone") != "ready":
            self.page.locator("[data-action=microphone]").click()
        self.wait(lambda: self.probe("microphone") == "ready", timeout=5, what="microphone ready")

    def wait_for_setup(self) -> None:
        """Return once the page waits for the host to do something."""
        self.wait_for_state("setup", timeout=10)
        self.wait(lambda: self.probe("microphone") != "asking", timeout=5, what="microphone settled")

    def go_live(self) -> None:
        """Turn the microphone on, press the large button, and wait until the host is on air."""
        self.turn_on_microphone()
        self.page.locator("[data-action=go-live]").click()
        self.wait_for_state("live", timeout=10)


class ListenPage(AnyPage):
    """A listener's page."""

    def listen(self) -> None:
        """Press the one large button."""
        self.page.locator("button.disc").click()

    def start_recording(self) -> None:
        """Keep what comes out of the decoder from now on."""
        self.page.evaluate(_RECORD)

    def stop_recording(self) -> NDArray[np.float64]:
        """Mono samples at 48 kHz since `start_recording`."""
        return decode(base64.b64decode(self.page.evaluate(_STOP_RECORDING)))

    def sound_energy(self) -> float:
        """`totalAudioEnergy`: grows while there is sound (W3C webrtc-stats); 0.0 between two sessions."""
        found = self.page.evaluate("stentorProbe.stats()")
        return 0.0 if found is None else float(found["totalAudioEnergy"])

    def wait_for_sound(self, *, timeout: float) -> None:
        """Return once audible sound has come out since the call. Seconds."""
        before = self.sound_energy()

        def sounds() -> bool:
            nonlocal before
            now = self.sound_energy()
            before = min(before, now)  # a new session counts from zero
            return now - before > AUDIBLE

        self.wait(sounds, timeout=timeout, what="sound")


def decode(data: bytes) -> NDArray[np.float64]:
    """Any recording FFmpeg reads as mono samples at 48 kHz."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    pieces = []
    with av.open(io.BytesIO(data)) as container:
        for frame in container.decode(audio=0):
            pieces += [part.to_ndarray()[0] for part in resampler.resample(frame)]
    return np.concatenate(pieces).astype(np.float64)

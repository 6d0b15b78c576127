"""From the tap on Listen to the first audible sample, in a Chromium of this machine, without any rush."""

from __future__ import annotations

import contextlib
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from chaos.alone import alone
from chaos.scene import Outcome, Plan
from chaos.verdict import Figure, at_least, at_most, told
from stentor_loadtest.histogram import percentile_of
from support.chromium import chromium
from support.pages import ListenPage

TAPS = 20
PATIENCE = 10.0  # seconds
P50, P95 = 400.0, 1000.0  # ms

# Sound is noticed in two ways: every 5 ms by samples, every 10 ms by the receiver's count of energy
# (W3C webrtc-stats). The tone is 1/4 of full scale; silence and comfort noise are far below 1 %.
_WATCH = """() => {
  const context = new AudioContext();
  const seen = window.firstSound = { tap: null, heard: null, energy: null, state: () => context.state };
  const samples = new Float32Array(512);
  let analyser = null;
  let source = null;
  document.addEventListener("pointerdown", (event) => { seen.tap ??= event.timeStamp; }, true);
  document.addEventListener("click", (event) => { seen.tap ??= event.timeStamp; }, true);
  const look = setInterval(() => {
    const stream = stentorProbe.stream();
    if (stream && stream.getAudioTracks().length && source === null) {
      source = context.createMediaStreamSource(stream);
      analyser = context.createAnalyser();
      analyser.fftSize = samples.length;
      source.connect(analyser);
    }
    if (analyser && seen.heard === null) {
      analyser.getFloatTimeDomainData(samples);
      if (samples.some((value) => Math.abs(value) > 0.01)) seen.heard = performance.now();
    }
  }, 5);
  const count = setInterval(async () => {
    if (seen.tap === null || seen.energy !== null) return;
    const stats = await stentorProbe.stats();
    if (stats && stats.totalAudioEnergy > 1e-5) seen.energy ??= performance.now();
  }, 10);
}"""
_READ = """() => ({ tap: firstSound.tap, heard: firstSound.heard, energy: firstSound.energy,
  context: firstSound.state(), connected: stentorProbe.connectedMs, packet: stentorProbe.firstPacketMs })"""


def run(plan: Plan) -> Outcome:
    """Play it."""
    taps: list[dict[str, Any]] = []
    with alone(plan) as (_, event), sync_playwright() as playwright, chromium(playwright) as browser:
        taps = [_tap(browser, event.listen_url) for _ in range(TAPS)]
    heard = [tap["heard"] - tap["tap"] for tap in taps if tap["heard"] is not None]
    energy = [tap["energy"] - tap["tap"] for tap in taps if tap["energy"] is not None]
    figures: tuple[Figure, ...] = (
        at_least("taps that were followed by sound", len(heard), TAPS),
        at_most("tap to the first audible sample, median, ms", round(percentile_of(heard, 50), 1), P50),
        at_most("the same, p95, ms", round(percentile_of(heard, 95), 1), P95),
        told("the same, all, ms", ", ".join(f"{one:.0f}" for one in sorted(heard))),
        told("by totalAudioEnergy, median and p95, ms", _pair(energy)),
        told("until ICE and DTLS stood, median and p95, ms", _pair([tap["connected"] for tap in taps])),
        told("until the first packet, median and p95, ms", _pair([tap["packet"] for tap in taps])),
        told("audio contexts", ", ".join(sorted({str(tap["context"]) for tap in taps}))),
    )
    return Outcome("first_sound", f"{TAPS} pages, one after the other, press Listen.", figures, ())


def _tap(browser: Browser, url: str) -> dict[str, Any]:
    page = ListenPage(browser, url)
    try:
        page.wait_for_state("ready", timeout=PATIENCE)
        page.page.evaluate(_WATCH)
        page.page.wait_for_timeout(300)
        page.listen()
        with contextlib.suppress(AssertionError):  # then it is told as missing
            page.wait(
                lambda: page.page.evaluate("firstSound.heard !== null && firstSound.energy !== null"),
                timeout=PATIENCE,
                what="sound",
            )
        return dict(page.page.evaluate(_READ))
    finally:
        page.close()


def _pair(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{percentile_of(known, 50):.0f}, {percentile_of(known, 95):.0f}"

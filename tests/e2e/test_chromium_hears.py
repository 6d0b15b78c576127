"""A host's page speaks, three listeners' pages hear it: in Chromium, compared with what was said."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from support.correlation import resemblance
from support.pages import ListenPage, StudioPage
from support.server_process import Event, ServerProcess
from support.speech import read_wav

SECONDS = 20


@pytest.mark.timeout(90)
def test_three_listeners_hear_what_the_host_says(browser: Browser, event: Event, speech: Path) -> None:
    host = StudioPage(browser, event.host_url)
    host.go_live()
    listeners = [ListenPage(browser, event.listen_url) for _ in range(3)]
    for listener in listeners:
        listener.wait_for_state("ready", timeout=5)
        listener.listen()
        listener.wait_for_state("live", timeout=5)
    before = [listener.stats() for listener in listeners]
    for listener in listeners:
        listener.start_recording()
    host.page.wait_for_timeout(1000 * SECONDS)
    after = [listener.stats() for listener in listeners]
    recordings = [listener.stop_recording() for listener in listeners]
    source = read_wav(speech)
    for listener, heard, then, now in zip(listeners, recordings, before, after, strict=True):
        median = resemblance(source, heard, loops=True).median
        samples = now["totalSamplesReceived"] - then["totalSamplesReceived"]
        concealed = now["concealedSamples"] - then["concealedSamples"]
        connected = listener.probe("connectedMs")
        print(f"median {median:.3f}, concealed {concealed / samples:.3%}, connected in {connected:.0f} ms")
        assert len(heard) > (SECONDS - 1) * 48000
        assert median > 0.9
        assert samples > (SECONDS - 1) * 48000
        assert concealed < 0.01 * samples
        assert now["packetsLost"] < 10  # a frame of the host that came too late is one, on a busy machine
        assert now["srtpCipher"] == "SRTP_AEAD_AES_128_GCM"
        assert connected < 1000
        assert listener.errors == []
    assert host.errors == []
    for page in (host, *listeners):
        page.close()


def test_listener_who_comes_early_joins_by_itself_when_the_host_goes_live(
    browser: Browser, event: Event
) -> None:
    listener = ListenPage(browser, event.listen_url)
    listener.wait_for_state("early", timeout=5)
    listener.listen()
    host = StudioPage(browser, event.host_url)
    host.go_live()
    listener.wait_for_state("live", timeout=15)
    listener.wait_for_sound(timeout=5)
    for page in (host, listener):
        page.close()


def test_host_ends_the_event_and_listeners_are_told(
    browser: Browser, server: ServerProcess, event: Event
) -> None:
    host = StudioPage(browser, event.host_url)
    host.go_live()
    listener = ListenPage(browser, event.listen_url)
    listener.wait_for_state("ready", timeout=5)
    listener.listen()
    listener.wait_for_state("live", timeout=5)
    server.post(f"/api/events/{event.id}/end", {}, key=event.host_key)
    listener.wait_for_state("ended", timeout=15)
    host.wait_for_state("ended", timeout=15)
    for page in (host, listener):
        page.close()

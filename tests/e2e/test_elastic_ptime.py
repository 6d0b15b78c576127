"""Packets that grow and shrink while a browser listens: what its concealment counter says of each step."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from support.opus_file import write_opus
from support.pages import ListenPage
from support.publisher import publishing
from support.server_process import Event, ServerProcess

STEP = 60 * 48  # samples: what one step up may cost a listener at most
SETTLE = 5000  # ms of listening at each length


@pytest.mark.parametrize(("hold", "most"), [(False, STEP), (True, 0)])
def test_steps_of_packet_length_are_hardly_heard(
    browser: Browser, server: ServerProcess, event: Event, tmp_path: Path, hold: bool, most: int
) -> None:
    token = json.loads((server.state_dir / "secrets.json").read_text())["admin_token"]

    def set_ptime(ms: int) -> None:
        server.post("/admin/ptime", {"ms": ms, "hold": hold}, key=token)

    sound = write_opus(tmp_path / "quiet.opus", seconds=40, bit_rate=32_000)  # six frames: under 1,150 bytes
    with publishing(server, event, str(sound), "--loop"):
        set_ptime(20)
        listener = ListenPage(browser, event.listen_url)
        listener.wait_for_state("ready", timeout=5)
        listener.listen()
        listener.wait_for_sound(timeout=10)
        listener.page.wait_for_timeout(SETTLE)
        concealed, packets = {}, {}
        for ms in (60, 120, 20):
            before = listener.stats()
            set_ptime(ms)
            listener.page.wait_for_timeout(SETTLE)
            after = listener.stats()
            concealed[ms] = after["concealedSamples"] - before["concealedSamples"]
            packets[ms] = after["packetsReceived"] - before["packetsReceived"]
            assert after["packetsLost"] == before["packetsLost"]
        listener.close()
        set_ptime(20)
    assert packets[60] < 0.5 * packets[20] and packets[120] < 0.25 * packets[20]  # the packets did grow
    assert concealed[60] <= most and concealed[120] <= most, concealed
    assert concealed[20] == 0, concealed

"""Programs of others: FFmpeg as the host, libwebrtc without a browser as a listener."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser

from support.correlation import resemblance
from support.node import run_node
from support.pages import ListenPage
from support.publisher import host_state, publishing
from support.server_process import Event, ServerProcess
from support.speech import read_wav
from support.waiting import wait_for

WHIP = Path(__file__).parents[1] / "support" / "ffmpeg_whip.py"


def test_chromium_hears_a_host_that_is_ffmpeg(
    browser: Browser, server: ServerProcess, event: Event, speech: Path, tmp_path: Path
) -> None:
    with (tmp_path / "ffmpeg.log").open("wb") as log:
        command = [sys.executable, str(WHIP), event.whip_url, event.host_key, str(speech), "60"]
        host = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_for(lambda: host_state(server, event) == "present", timeout=15, what="FFmpeg is on air")
        listener = ListenPage(browser, event.listen_url)
        listener.wait_for_state("ready", timeout=5)
        listener.listen()
        listener.wait_for_state("live", timeout=5)
        listener.start_recording()
        listener.page.wait_for_timeout(8000)
        heard = listener.stop_recording()
        assert resemblance(read_wav(speech), heard, loops=True).median > 0.9
        assert listener.stats()["packetsLost"] == 0
        listener.close()
    finally:
        host.kill()
        host.wait(10)


def test_libwebrtc_listens_over_plain_whep(server: ServerProcess, event: Event, speech: Path) -> None:
    with publishing(server, event, str(speech), "--loop"):
        found = run_node("wrtc_listener.mjs", event.whep_url, "5")
    assert found["packetsReceived"] > 200
    assert found["packetsLost"] == 0
    assert found["rms"] > 0.01
    assert found["srtpCipher"] == "AES_CM_128_HMAC_SHA1_80"  # this build of libwebrtc offers nothing else
    assert found["connectedMs"] < 2000
    assert found["deleteStatus"] == 200

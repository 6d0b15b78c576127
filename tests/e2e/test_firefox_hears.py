"""Firefox ESR as a listener. It never pairs with a loopback candidate, so it gets a machine of its own."""

from __future__ import annotations

import base64
from pathlib import Path

from support.correlation import resemblance
from support.network import far_side
from support.node import run_node
from support.pages import decode
from support.publisher import publishing
from support.server_process import ServerProcess
from support.speech import RATE, read_wav


def test_firefox_connects_and_hears_speech(tmp_path: Path, speech: Path) -> None:
    with far_side(2) as side:
        server = ServerProcess(tmp_path, host="0.0.0.0", reach=side.here)
        try:
            server.start()
            event = server.create_event()
            with publishing(server, event, str(speech), "--loop"):
                found = run_node("firefox_listener.mjs", event.listen_url, "5", prefix=side.prefix)
        finally:
            server.stop()
    assert found["state"] == "live"
    assert found["connectedMs"] < 2000
    heard = decode(base64.b64decode(found["recording"]))
    assert len(heard) > 4 * RATE
    assert resemblance(read_wav(speech), heard, loops=True).median > 0.9
    assert found["after"]["packetsReceived"] - found["before"]["packetsReceived"] > 200
    assert found["after"]["packetsLost"] == 0

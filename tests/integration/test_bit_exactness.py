"""What the host's encoder made is what the listener's decoder gets, bit for bit, for a minute."""

from __future__ import annotations

import subprocess
from pathlib import Path

from support.opus_file import write_opus
from support.publisher import publishing
from support.server_process import STENTOR, running_server

SECONDS = 60


def test_a_minute_of_payloads_arrives_as_sent(tmp_path: Path) -> None:
    sound = write_opus(tmp_path / "speech.opus", seconds=SECONDS + 15)
    sent, heard = tmp_path / "sent.txt", tmp_path / "heard.txt"
    with running_server(tmp_path) as server:
        event = server.create_event()
        with publishing(server, event, str(sound), "--hashes", str(sent)):
            command = [
                str(STENTOR),
                "listen",
                event.whep_url,
                "--seconds",
                str(SECONDS),
                "--hashes",
                str(heard),
            ]
            done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
    was_sent, was_heard = sent.read_text().split(), heard.read_text().split()
    assert len(was_heard) > (SECONDS - 1) * 50
    assert len(set(was_sent)) > 0.99 * len(was_sent)  # else equal sequences would show nothing
    begin = was_sent.index(was_heard[0])
    assert was_heard == was_sent[begin : begin + len(was_heard)]

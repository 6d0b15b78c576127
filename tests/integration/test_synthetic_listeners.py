"""Two hundred listeners on one relay: nobody loses a packet, nobody hears it late."""

from __future__ import annotations

from pathlib import Path

from support.publisher import publishing, run_loadtest
from support.server_process import running_server
from support.waiting import wait_for


def test_two_hundred_listeners_hear_everything_in_time(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        event = server.create_event()
        with publishing(server, event):
            code, figures, text = run_loadtest(
                *("steady", server, event, tmp_path / "run.json"),
                *("--listeners", "200", "--rate", "40", "--seconds", "10", "--server-pid", str(server.pid)),
                *("--threshold", "joined>=200", "--threshold", "loss<0.1", "--threshold", "late_20ms<10"),
                *("--threshold", "join_p95_ms<1000", "--threshold", "unreadable==0"),
                *("--threshold", "backwards==0", "--html", str(tmp_path / "run.html")),
            )
            assert code == 0, text
            assert figures["packets"] > 200 * 10 * 45
            assert (tmp_path / "run.html").stat().st_size > 1000
        wait_for(lambda: server.metric("stentor_listeners") == 0, timeout=3, what="everybody said goodbye")

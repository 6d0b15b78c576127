"""The swarm and the Python listeners see the same server: a hundred of each, in turn."""

from __future__ import annotations

from pathlib import Path

from support.publisher import publishing, run_loadtest
from support.server_process import running_server
from support.waiting import wait_for

PLAN = ("--listeners", "100", "--rate", "50", "--seconds", "6")
LIMITS = ("joined>=100", "loss<0.1", "unreadable==0", "backwards==0", "duplicates==0", "silent==0")


def test_both_engines_hear_the_same(tmp_path: Path) -> None:
    thresholds = [word for limit in LIMITS for word in ("--threshold", limit)]
    with running_server(tmp_path) as server:
        event = server.create_event()
        with publishing(server, event):
            found = {}
            for engine in ("python", "swarm"):
                out = tmp_path / f"{engine}.json"
                code, figures, text = run_loadtest(
                    "steady", server, event, out, *PLAN, *thresholds, "--engine", engine
                )
                assert code == 0, text
                found[engine] = figures
            assert abs(found["swarm"]["packets"] / found["python"]["packets"] - 1) < 0.03
            assert found["swarm"]["consent_missed"] == 0
            assert found["swarm"]["sender_reports"] >= 100
        wait_for(lambda: server.metric("stentor_listeners") == 0, timeout=3, what="everybody said goodbye")


def test_join_storm_gets_everybody_in(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        event = server.create_event()
        with publishing(server, event):
            code, figures, text = run_loadtest(
                *("joins", server, event, tmp_path / "joins.json", "--listeners", "300"),
                *("--seconds", "2", "--server-pid", str(server.pid)),
            )
            assert code == 0, text
            assert figures["joined"] == 300
            assert figures["joins_per_second"] > 50
            assert figures["server_cpu_per_join_ms"] > 0

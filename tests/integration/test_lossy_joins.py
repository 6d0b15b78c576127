"""Joining over a link that loses every tenth datagram, both ways. HTTP is not subject to the loss: a lost SYN
alone costs a second of the kernel's own timer, which no server can do anything about."""

from __future__ import annotations

from pathlib import Path

from support.network import far_side, udp_loss
from support.publisher import publishing, run_loadtest
from support.server_process import ServerProcess


def test_fifty_of_fifty_join_through_ten_percent_loss_within_a_second(tmp_path: Path) -> None:
    with far_side(1) as side:
        server = ServerProcess(tmp_path, host="0.0.0.0", reach=side.here)
        try:
            server.start()
            event = server.create_event()
            with publishing(server, event), udp_loss(side, 0.10):
                code, figures, text = run_loadtest(
                    *("steady", server, event, tmp_path / "run.json"),
                    *("--listeners", "50", "--rate", "10", "--seconds", "3"),
                    *("--threshold", "joined>=50", "--threshold", "join_p95_ms<1000"),
                    prefix=side.prefix,
                )
        finally:
            server.stop()
    assert code == 0, text
    assert figures["loss"] > 3, f"the link lost nothing: {text}"

"""The figure of the attackers: 50,000 datagrams a second at 1,000 listeners. Needs root and two cores.

PYTHONPATH=tests .venv/bin/python -m bench.attackers [--listeners 1000] [--rate 50000] [--seconds 40]

Where other programs run as well, `chrt -r 5` before it keeps their share of the time out of the figure.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from functools import partial
from pathlib import Path

import uvloop

from bench.machine import SERVER_CORE, SWARM_CORE, pin
from stentor_loadtest.swarm.crowd import Crowd
from stentor_loadtest.swarm.whep import WhepSignalling
from support.attack import Outcome, Target, attack
from support.publisher import publishing
from support.server_process import ServerProcess

LOST = 0.005  # share of packets lost or later than 20 ms
GROWN = 1.05  # of the memory before
AMPLIFIED = 3.0  # bytes out per byte in
JOINS = 100  # a second


def main() -> None:
    """Attack, tell, and say by the exit code whether it was borne."""
    parser = argparse.ArgumentParser(prog="bench.attackers", description=__doc__)
    parser.add_argument("--listeners", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=50_000, help="Datagrams a second.")
    parser.add_argument("--seconds", type=float, default=40, help="More than the 30 s that consent lasts.")
    parser.add_argument("--ptime", type=int, default=20)
    options = parser.parse_args()
    os.sched_setaffinity(0, {SWARM_CORE})
    outcome, stayed = uvloop.run(_run(options))
    print(outcome)
    print(f"connected after it: {stayed:.0f}")
    good = outcome.bad <= LOST and outcome.grown < GROWN and outcome.worst <= AMPLIFIED
    sys.exit(0 if good and stayed == options.listeners and not outcome.witness_lost else 1)


async def _run(options: argparse.Namespace) -> tuple[Outcome, float]:
    with tempfile.TemporaryDirectory(prefix="stentor-attack-") as name:
        folder = Path(name)
        server = ServerProcess(
            folder / "server",
            prefix=pin(SERVER_CORE),
            options=["--media", "native", "--ptime", str(options.ptime)],
        )
        server.start()
        try:
            event = server.create_event("Attacked")
            with publishing(server, event):
                target = Target(server.pid, ("127.0.0.1", server.udp_port), event.whep_url)
                crowd = Crowd(
                    options.listeners,
                    partial(WhepSignalling, server.base, event.id),
                    first_address=None,
                    prefer="127.0.0.1",
                )
                crowd.open()
                try:
                    await crowd.join(options.listeners, rate=JOINS)
                    print(f"{options.listeners} joined; refused: {dict(crowd.failures)}", flush=True)
                    outcome = await attack(target, crowd, folder, rate=options.rate, seconds=options.seconds)
                    await asyncio.sleep(
                        11
                    )  # handshakes that were begun are over, and so is what has lost consent
                    return outcome, server.metric("stentor_listeners", state="connected")
                finally:
                    await crowd.close()
        finally:
            server.stop()


if __name__ == "__main__":
    main()

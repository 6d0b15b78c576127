"""The trunk loses 5 % at random and delays by anything up to 30 ms: its redundancy makes up for that."""

from __future__ import annotations

import json
import sys
import time
from contextlib import ExitStack

from chaos.cluster import CLUSTER
from chaos.hosts import LINKS, Host
from chaos.process import ChaosProcess
from chaos.scene import Outcome, Plan, scene
from chaos.store import python_path
from chaos.verdict import Figure, at_least, at_most, told

RELAYS = 2
SHORT, LONG = 10.0, 120.0  # seconds of listening
PORT = 9000
LOSS = 0.05
SETTINGS = {"loss": LOSS, "delay": 0.005, "jitter": 0.030, "keep_order": False}


def run(plan: Plan) -> Outcome:
    """Play it: a link in front of the stage for each relay, which finds the stage at its usual address."""
    plan.folder.mkdir(parents=True, exist_ok=True)
    relays = [f"relay{number}" for number in range(1, RELAYS + 1)]
    detours = [(relay, "stage1", (LINKS[number], PORT)) for number, relay in enumerate(relays)]
    links: list[ChaosProcess] = []

    def lay(hosts: dict[str, Host], stack: ExitStack) -> None:
        for number in range(RELAYS):
            link = _link(plan, number, f"{hosts['stage1'].address}:{CLUSTER}")
            stack.callback(link.close)
            links.append(link)

    with scene(plan, relays=RELAYS, detours=detours, before_cluster=lay) as here, here.stack:
        here.talk()
        page = here.page()
        swarm = here.swarm()
        swarm.wait_until_hearing(timeout=30 + plan.listeners / 50)
        time.sleep(LONG if plan.long else SHORT)
        seen = page.finish() if page is not None else None
        report = swarm.finish()
        counts = [_counts(link) for link in links]
    records = report["each"]
    expected = sum(record["packets"] + record["lost"] for record in records)
    lost = sum(record["lost"] for record in records)
    carried, dropped = sum(c["received"] for c in counts), sum(c["lost"] for c in counts)
    figures: tuple[Figure, ...] = (
        at_least("datagrams over the bad links", carried, 100 * RELAYS),
        at_least("of these lost, %", round(100 * dropped / max(1, carried), 2), 100 * LOSS * 0.6),
        told("of these overtaken", sum(c["overtaken"] for c in counts)),
        at_most("listeners' loss, %", round(100 * lost / max(1, expected), 4), 0.05),
        told("longest pause of any listener, ms", report["figures"]["longest_gap_ms"]),
        told("later than 20 ms, %", report["figures"]["late_20ms"]),
        *(seen.figures(limit=0.5) if seen is not None else ()),
    )
    sentence = f"Between the stage and each relay: {SETTINGS}; {plan.listeners} listeners."
    return Outcome("lossy_trunk", sentence, figures, tuple(records))


def _link(plan: Plan, number: int, to: str) -> ChaosProcess:
    command = [
        sys.executable,
        "-m",
        "chaos.udp_link",
        "--listen",
        f"{LINKS[number]}:{PORT}",
        "--to",
        to,
    ]
    command += ["--port", str(CLUSTER), "--seed", str(100 * number + 1), "--settings", json.dumps(SETTINGS)]
    link = ChaosProcess(f"link{number}", ["env", python_path(), *command], plan.folder)
    link.start()
    link.wait_for_log("ready", timeout=10)
    return link


def _counts(link: ChaosProcess) -> dict[str, int]:
    link.stop()
    return dict(json.loads(link.said().splitlines()[-1]))

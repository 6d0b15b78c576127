"""A stage is stopped (SIGSTOP) with a host on it, and goes on later: by then it has nothing to say."""

from __future__ import annotations

import json
import socket
import time

from chaos.cluster import Cluster, Node, ask
from chaos.pages import PageListener
from chaos.scene import Outcome, Plan, scene
from chaos.verdict import PAUSE_MS, Figure, at_least, at_most, longest_since, told
from stentor.core.mesh.envelope import Envelope, control_key, seal_envelope
from stentor.core.mesh.line_messages import LineNotice
from stentor.core.mesh.messages import encode_message
from support.pages import StudioPage
from support.waiting import wait_for

SHORT, LONG = 8.0, 30.0  # seconds; the lease lasts 3
HOST_BACK = 40.0  # seconds the host's page is given
SETTLE = 2.0  # seconds
TALKING = 30.0  # datagrams a second that only a host sends
RELAYS = 2
WORDS, FIRST_EPOCH, OLD_LEADER, DAY_MS = 50, 1, b"leader-1", 86_400_000


def run(plan: Plan) -> Outcome:
    """Play it."""
    with scene(plan, gateways=2, stages=2, relays=RELAYS, captured=True) as here, here.stack:
        browser = here.browser()
        studio = StudioPage(browser, here.event.host_url)
        studio.go_live()
        listener = PageListener(browser, here.event.listen_url)
        swarm = here.swarm()
        swarm.wait_until_hearing(timeout=30 + plan.listeners / 50)
        time.sleep(SETTLE)
        old = here.cluster.stage_on_air()
        new = next(node for node in here.cluster.of("stage") if node is not old)
        leader = leading_gateway(here.cluster)
        paused = old.process.pause()
        leader.process.pause()
        time.sleep(LONG if plan.long else SHORT)
        leader.process.go_on()
        gone_on = old.process.go_on()
        wait_for(lambda: new.datagrams() > TALKING, timeout=HOST_BACK, what="the host on the new stage")
        moved = time.time()
        listener.page.wait_for_sound(timeout=15)
        time.sleep(SETTLE)
        left = old.datagrams()
        refused = stale_words(here.cluster, (plan.folder / "cluster.secret").read_bytes())
        ended = here.cluster.ended_by_themselves()
        seen = listener.finish()
        report = swarm.finish()
        used = here.indices_used()
    records = report["each"]
    changed = sum(len(record["sessions"]) != 1 for record in records)
    figures: tuple[Figure, ...] = (
        told("stopped for, s", round(gone_on - paused, 1)),
        told("host on the new stage after the stop, s", round(moved - paused, 1)),
        at_most("datagrams a second at the old stage afterwards", left, TALKING),
        *refused,
        at_most("listeners that lost their session", changed, 0),
        at_most("longest pause after it went on, ms", round(longest_since(records, gone_on), 1), PAUSE_MS),
        Figure("processes that ended", ", ".join(ended) or "none", "none", not ended),
        Figure(
            "the listening page's states",
            " > ".join(seen.states),
            "live all the time",
            seen.states == ("live",),
        ),
        *used,
    )
    sentence = f"The stage with the host and a gateway are stopped and go on; {plan.listeners} listeners."
    return Outcome("fencing", sentence, figures, tuple(records))


def leading_gateway(cluster: Cluster) -> Node:
    """The admission leader."""
    bodies = {node.process.name: ask(f"{node.base}/api/cluster") for node in cluster.of("gateway")}
    return next(
        node
        for node in cluster.of("gateway")
        if json.loads(bodies[node.process.name] or b"{}").get("leading")
    )


def speak_for_the_old_leader(cluster: Cluster, secret: bytes) -> int:
    """What a leader would say that looked at its clock just before it was stopped, to every gateway."""
    gateways = cluster.of("gateway")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for counter in range(1, WORDS + 1):
            kind, body = encode_message(LineNotice(FIRST_EPOCH, round(time.time() * 1000) + DAY_MS))
            datagram = seal_envelope(Envelope(kind, OLD_LEADER, counter, body), control_key(secret))
            for gateway in gateways:
                sock.sendto(datagram, gateway.cluster_port)
    time.sleep(SETTLE)
    return WORDS * len(gateways)


def stale_words(cluster: Cluster, secret: bytes) -> tuple[Figure, ...]:
    """What was said with the old epochs after the two went on, and nobody followed.

    The stage answers what relays asked it in its sleep. The leader looks at its clock before it speaks, finds
    that it slept and says nothing: its words are ours.
    """
    said = speak_for_the_old_leader(cluster, secret)
    refused = {"stage": 0, "leader": 0}
    for node in cluster.nodes:
        lines = (ask(f"{node.base}/metrics") or b"").decode().splitlines()
        for of in refused:
            sample = f'stentor_datagrams_dropped_total{{reason="mesh stale {of}"}} '
            refused[of] += sum(round(float(line[len(sample) :])) for line in lines if line.startswith(sample))
    return (
        at_least("stale words of the old stage that were refused", refused["stage"], 1),
        at_least(
            f"stale words in the old leader's name that were refused, of {said}", refused["leader"], said
        ),
    )

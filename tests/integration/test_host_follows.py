"""A stage that is told to stop is left by its host: `stentor publish` goes on by itself, at another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos.process import ChaosProcess
from support.cluster_processes import ClusterProcesses, NodeProcess, read_json
from support.server_process import STENTOR, Event
from support.waiting import wait_for

NODES = ("gateway1", "stage1", "stage2", "relay1")
START = 30.0  # seconds for a command to start and to be heard on a busy machine
LEAVE = 35.0  # seconds until the host has looked at the status, moved, and the empty stage has ended
SECOND = 50  # packets
pytestmark = pytest.mark.timeout(150)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[ClusterProcesses]:
    cluster = ClusterProcesses(tmp_path, NODES)
    try:
        cluster.heal()
        yield cluster
    finally:
        cluster.close()


class Talk:
    """A host and a listener as commands, each with a list of what it sent or heard."""

    def __init__(self, event: Event, gateway: NodeProcess, folder: Path) -> None:
        self.sent, self.heard = folder / "sent.txt", folder / "heard.txt"
        whip, whep = f"{gateway.base}/whip/{event.id}", f"{gateway.base}/whep/{event.id}"
        tone = ["--tone", "--key", event.host_key, "--hashes", str(self.sent)]
        self.host = ChaosProcess("host", [str(STENTOR), "publish", whip, *tone], folder)
        self.listener = ChaosProcess(
            "listener", [str(STENTOR), "listen", whep, "--hashes", str(self.heard)], folder
        )

    def start(self) -> None:
        """Return once the host is heard."""
        self.host.start()
        wait_for(lambda: self.sent.exists() and self.sent.stat().st_size, timeout=START, what="a host on air")
        self.listener.start()
        self.wait_for_sound(START)

    def sound(self) -> int:
        """How many packets of the host have been heard, silence not counted."""
        if not self.heard.exists():
            return 0
        sent = set(self.sent.read_text().split())
        return sum(line in sent for line in self.heard.read_text().split())

    def wait_for_sound(self, timeout: float) -> None:
        """Return after another second of the host's sound."""
        wanted = self.sound() + SECOND
        wait_for(lambda: self.sound() >= wanted, timeout=timeout, what="a second of sound", every=0.2)

    def close(self) -> None:
        """End both."""
        self.host.close()
        self.listener.close()


def epoch_led(node: NodeProcess, event: Event) -> int:
    """The highest epoch in which this stage said that it leads the event; 0 when it never did."""
    said = re.findall(rf"stage of event {event.id}, epoch (\d+)", node.process.said())
    return max((int(epoch) for epoch in said), default=0)


def test_host_of_a_stage_that_stops_goes_on_at_the_other_one(
    cluster: ClusterProcesses, tmp_path: Path
) -> None:
    event, (gateway,) = cluster.create_event(), cluster.gateways
    talk = Talk(event, gateway, tmp_path)
    try:
        talk.start()
        one, two = cluster.of("stage")
        leading, left = (one, two) if epoch_led(one, event) > epoch_led(two, event) else (two, one)
        leading.drain()
        status = f"{gateway.base}/api/events/{event.id}/status"
        wait_for(lambda: read_json(status)["moves"], timeout=10, what="the host is asked to move")
        assert talk.host.exit_code is None
        wait_for(
            lambda: leading.process.exit_code is not None,
            timeout=LEAVE,
            what=f"the stage is left and ends\n{talk.host.tail()}",
        )
        assert leading.process.exit_code == 0
        wait_for(lambda: epoch_led(left, event), timeout=10, what="the other stage leads")
        talk.wait_for_sound(15)
        talk.wait_for_sound(15)
        assert talk.host.exit_code is None, talk.host.tail()
        assert read_json(f"{gateway.base}/api/events/{event.id}")["host"] == "present"
        assert talk.listener.exit_code is None, talk.listener.tail()
    finally:
        talk.close()

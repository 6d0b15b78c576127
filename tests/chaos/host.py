"""The host of a scenario: `stentor publish --tone`, which comes back by itself when its session ends."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from chaos.process import ChaosProcess
from support.server_process import STENTOR, Event
from support.waiting import wait_for

PAUSE = 0.3  # seconds, as the host's page before its first attempt
FIRST_SOUND = 20.0  # seconds: starting Python, aiortc and FFmpeg takes some on a busy machine


class Host:
    """A person who talks. `bases` are gateways, asked in turn when one is gone."""

    def __init__(self, event: Event, bases: Sequence[str], folder: Path, prefix: Sequence[str] = ()) -> None:
        self._event = event
        self._bases = list(bases)
        self._attempt = 0
        self._make: Callable[[], ChaosProcess] = lambda: ChaosProcess(
            "host", [*prefix, str(STENTOR), "publish", self._url(), "--key", event.host_key, "--tone"], folder
        )
        self._leaving = threading.Event()
        self._talking = threading.Thread(target=self._talk, name="host", daemon=True)
        self.sessions: list[float] = []
        """When each of its sessions was begun."""

    def start(self) -> None:
        """Return once it is heard."""
        self._talking.start()
        wait_for(lambda: self.presence() == "present", timeout=FIRST_SOUND, what="host present")

    def presence(self) -> str:
        """`none`, `present` or `away`; empty when no gateway answers."""
        for base in self._bases:
            try:
                with urllib.request.urlopen(f"{base}/api/events/{self._event.id}", timeout=2) as answer:
                    return str(json.load(answer)["host"])
            except OSError:
                continue
        return ""

    def close(self) -> None:
        """It stops talking."""
        self._leaving.set()
        self._talking.join(20)

    def _url(self) -> str:
        base = self._bases[self._attempt % len(self._bases)]
        return base + "/whip/" + self._event.id

    def _talk(self) -> None:
        while not self._leaving.is_set():
            process = self._make()
            self._attempt += 1
            self.sessions.append(time.time())
            process.start()
            while process.exit_code is None and not self._leaving.wait(0.05):
                pass
            process.close()
            self._leaving.wait(PAUSE)

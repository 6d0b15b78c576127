"""One JSON line every half second while a run goes on: how a script knows when everybody is there."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from stentor_loadtest.listener.state import State
from stentor_loadtest.swarm.member import SwarmMember
from stentor_loadtest.swarm.native import Swarm
from stentor_loadtest.swarm.recovery import SILENCE

EVERY = 0.5  # seconds


class Diary:
    """Appends to a file until cancelled."""

    def __init__(self, path: Path, swarm: Swarm, members: Sequence[SwarmMember]) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._swarm = swarm
        self._members = members

    async def keep(self) -> None:
        """Run until cancelled."""
        with self._file:
            while True:
                self._file.write(json.dumps(self.line()) + "\n")
                self._file.flush()
                await asyncio.sleep(EVERY)

    def line(self) -> dict[str, object]:
        """`hearing`: seated, and a packet in the last 1.5 s; `shards`: of those, by shard number."""
        now = time.time()
        quiet = set(self._swarm.quiet(now - SILENCE))
        hearing = [
            member
            for member in self._members
            if member.state is State.LISTENING and member.number not in quiet
        ]
        shards = Counter(str(member.current.shard) for member in hearing if member.current is not None)
        changes = [change for member in self._members for change in member.changes]
        return {
            "at": now,
            "came": len(self._members),
            "hearing": len(hearing),
            "quiet": len(quiet),
            "shards": dict(shards),
            "lost": sum(1 for change in changes if change.why != "moved"),
            "back": sum(1 for change in changes if change.why != "moved" and change.heard is not None),
            "moved": sum(1 for change in changes if change.why == "moved" and change.heard is not None),
        }

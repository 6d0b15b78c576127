"""Brings listeners back that hear nothing: as the page does, by themselves, without asking anybody.

A browser notices a dead server only after half a minute (RFC 7675); the program never pauses, so 1.5 s
without a packet are enough to know.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence

from stentor_loadtest.errors import JoinError
from stentor_loadtest.listener.state import State
from stentor_loadtest.swarm.entrance import Entrance, wait_after
from stentor_loadtest.swarm.member import Change, SwarmMember
from stentor_loadtest.swarm.native import Swarm
from stentor_loadtest.swarm.patience import backoff

SILENCE = 1.5  # seconds, as the page
LOOK = 0.1  # seconds between two looks
ATTEMPT = 4.0  # seconds: a listener does not wait longer for one attempt that hangs


class Recovery:
    """Watches all members until `stop`."""

    def __init__(self, swarm: Swarm, entrance: Entrance, members: Sequence[SwarmMember]) -> None:
        self._swarm = swarm
        self._entrance = entrance
        self._members = members
        self._watcher: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin."""
        self._watcher = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Leave everybody as it is."""
        tasks = [*self._tasks, *([self._watcher] if self._watcher is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            quiet = set(self._swarm.quiet(time.time() - SILENCE))
            for member in self._members:
                if member.busy or member.left or "heard" not in member.timings:
                    continue
                if member.number in quiet:
                    self._begin(member, "silence")
                elif member.state is State.FAILED:
                    self._begin(member, "closed")

    def _begin(self, member: SwarmMember, why: str) -> None:
        lost = member.current
        assert lost is not None
        change = Change(
            "closed" if why == "closed" else "silence", member.hearing.last_arrival, from_shard=lost.shard
        )
        member.busy = True
        member.changes.append(change)
        task = asyncio.create_task(self._bring_back(member, change))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _bring_back(self, member: SwarmMember, change: Change) -> None:
        try:
            await asyncio.sleep(backoff(1, random.random))
            while not self._returned_by_itself(member, change):
                change.attempts += 1
                lost = member.current
                try:
                    session = await self._entrance.enter(member, timeout=ATTEMPT)
                except JoinError as error:
                    await asyncio.sleep(wait_after(error, change.attempts + 1))
                    continue
                change.heard, change.to_shard = session.reception.first_arrival, session.shard
                if lost is not None:
                    self._entrance.leave(lost)
                return
        finally:
            member.busy = False

    def _returned_by_itself(self, member: SwarmMember, change: Change) -> bool:
        """The server or the network paused, and the session goes on."""
        hearing = member.hearing
        if member.state is not State.LISTENING or time.time() - hearing.last_arrival > SILENCE / 3:
            return False
        after = [gap.end for gap in hearing.silences if gap.begin >= change.begin - 0.001]
        change.heard = after[0] if after else hearing.last_arrival
        change.to_shard = change.from_shard
        return True

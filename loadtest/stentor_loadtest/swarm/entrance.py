"""Gets a listener a session: a row of the engine, a join, and the place it was given for the next time."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter

from stentor_loadtest.errors import JoinError
from stentor_loadtest.swarm.joiner import Joiner
from stentor_loadtest.swarm.member import Change, SwarmMember
from stentor_loadtest.swarm.native import Swarm
from stentor_loadtest.swarm.patience import backoff, obeyed
from stentor_loadtest.swarm.session import SwarmSession
from stentor_loadtest.swarm.signalling import RefusedError

GOODBYE = 5.0  # seconds for a DELETE: the gateway that has to answer may be the one that died


class Entrance:
    """The rows beyond the first `listeners` are for second sessions; the one longest unused comes first, so
    that late datagrams of its last session are over."""

    def __init__(self, swarm: Swarm, joiner: Joiner, listeners: int) -> None:
        self._swarm = swarm
        self._joiner = joiner
        self._spare: asyncio.Queue[int] = asyncio.Queue()
        for row in range(listeners, swarm.listeners):
            self._spare.put_nowait(row)
        self._goodbyes: set[asyncio.Task[None]] = set()
        self.refusals: Counter[str] = Counter()
        """Answers that said when to ask again."""

    async def enter(self, member: SwarmMember, *, timeout: float) -> SwarmSession:  # noqa: ASYNC109 as `join`
        """One attempt. JoinError when it fails; the row is then free again."""
        first = not any("heard" in session.timings for session in member.sessions)
        if first:
            member.sessions.clear()
        session = SwarmSession(self._swarm, member.number if first else await self._spare.get())
        self._swarm.assign(session.index, member.number)
        member.sessions.append(session)
        try:
            place = await self._joiner.join(session, timeout=timeout, place=member.place)
        except JoinError as error:
            if isinstance(error, RefusedError):
                self.refusals[error.reason] += 1
                member.place = member.place.updated(error.place)
            if not first:
                member.sessions.remove(session)  # an attempt that came to nothing is counted, not kept
                self.leave(session)
            raise
        member.place = member.place.updated(place)
        return session

    async def enter_patiently(
        self,
        member: SwarmMember,
        *,
        timeout: float,  # noqa: ASYNC109 as `join`
        until: float,
        change: Change | None = None,
    ) -> SwarmSession:
        """As many attempts as it takes, until monotonic time `until`; then the last JoinError."""
        failures = 0
        while True:
            if change is not None:
                change.attempts += 1
            try:
                return await self.enter(member, timeout=timeout)
            except JoinError as error:
                failures += 1
                wait = wait_after(error, failures)
                if time.monotonic() + wait > until:
                    raise
            await asyncio.sleep(wait)

    def leave(self, session: SwarmSession) -> None:
        """Stop hearing one session and give its row back; its DELETE goes out meanwhile."""
        task = asyncio.create_task(self._say_goodbye(session))
        self._goodbyes.add(task)
        task.add_done_callback(self._goodbyes.discard)

    async def settle(self) -> None:
        """Return when all DELETEs are answered or given up."""
        await asyncio.gather(*self._goodbyes)

    async def _say_goodbye(self, session: SwarmSession) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE):
                await self._joiner.leave(session)
        self._spare.put_nowait(session.index)


def wait_after(error: JoinError, failures: int) -> float:
    """Seconds: what the server asked for, or our own backoff."""
    if isinstance(error, RefusedError) and error.wait > 0:
        return obeyed(error.wait, random.random)
    return backoff(failures, random.random)

"""Lets listeners move to another shard when the status body asks them to: nobody hears it.

Make before break: the new session is heard first, then the old one is ended.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence

from stentor_loadtest.errors import JoinError, WireError
from stentor_loadtest.listener.state import State
from stentor_loadtest.swarm.entrance import Entrance
from stentor_loadtest.swarm.member import Change, SwarmMember
from stentor_loadtest.swarm.moves import Move, goes_after, parse_moves
from stentor_loadtest.swarm.patience import about

ATTEMPT = 4.0  # seconds for one join


class Mover:
    """Polls once for all its members: the body is the same for everybody."""

    def __init__(
        self,
        entrance: Entrance,
        members: Sequence[SwarmMember],
        status: Callable[[], Awaitable[bytes]],
        *,
        poll: float,
    ) -> None:
        self._entrance = entrance
        self._members = members
        self._status = status
        self._poll = poll
        self._obeyed: set[tuple[str, str]] = set()
        self._watcher: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.polls_failed = 0

    def start(self) -> None:
        """Begin."""
        self._watcher = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Nobody moves any more."""
        tasks = [*self._tasks, *([self._watcher] if self._watcher is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(about(self._poll, random.random))
            try:
                async with asyncio.timeout(ATTEMPT):
                    moves = parse_moves(await self._status())
            except (JoinError, WireError, TimeoutError):
                self.polls_failed += 1
                continue
            for move in moves:
                self._ask(move)

    def _ask(self, move: Move) -> None:
        """Whoever is meant goes at a time of its own before the deadline; once for each request."""
        for member in self._members:
            current = member.current
            if current is None or current.state is not State.LISTENING or current.shard != move.shard:
                continue
            mark = (move.seed, current.token)
            after = goes_after(move, current.token)
            if after is None or mark in self._obeyed or member.left:
                continue
            self._obeyed.add(mark)
            task = asyncio.create_task(self._move(member, move, after))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _move(self, member: SwarmMember, move: Move, after: float) -> None:
        deadline = time.monotonic() + move.remaining
        await asyncio.sleep(after)
        old = member.current
        if member.busy or member.left or old is None or old.shard != move.shard:
            return  # it has gone elsewhere meanwhile, or is about to
        member.busy = True
        change = Change("moved", time.time(), from_shard=old.shard)
        member.changes.append(change)
        try:
            session = await self._entrance.enter_patiently(
                member, timeout=ATTEMPT, until=deadline, change=change
            )
        except JoinError:
            return  # it stays until the shard ends its session, and comes back by itself then
        finally:
            member.busy = False
        change.heard, change.to_shard = session.reception.first_arrival, session.shard
        self._entrance.leave(old)

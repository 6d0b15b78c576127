"""A swarm with its joiner: come, listen, measure, go. `run` drives it from a plan, the bench step by step."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from ipaddress import IPv4Address

from stentor_loadtest.errors import JoinError
from stentor_loadtest.listener.state import State
from stentor_loadtest.swarm.entrance import Entrance
from stentor_loadtest.swarm.joiner import Joiner
from stentor_loadtest.swarm.member import SwarmMember
from stentor_loadtest.swarm.meter import Meter, Window
from stentor_loadtest.swarm.native import Swarm
from stentor_loadtest.swarm.session import SwarmSession
from stentor_loadtest.swarm.signalling import Signalling
from stentor_loadtest.wire.dtls import DtlsIdentity
from stentor_loadtest.wire.srtp import AEAD_AES_128_GCM

PATIENCE = 60.0  # seconds a listener that may come back waits to get in at all
LEAVERS = 50  # sessions ended at the same time


class Crowd:
    """`open` it, `join` listeners as often as wanted, `close` it."""

    def __init__(
        self,
        listeners: int,
        make_signalling: Callable[[str], Signalling],
        *,
        first_address: IPv4Address | None,
        verify_every: int = 50,
        prefer: str | None = None,
        join_timeout: float = 10.0,
        spare: int = 0,
    ) -> None:
        """`make_signalling` is given the fingerprint of our certificate. `spare`: how many listeners may have
        two sessions at a time, as while they come back or move; with 0 each has one attempt at one."""
        identity = DtlsIdentity((AEAD_AES_128_GCM,))
        self.swarm = Swarm(listeners + spare, first_address=first_address, verify_every=verify_every)
        self.members: list[SwarmMember] = []
        self.failures: Counter[str] = Counter()
        self.joining_seconds = 0.0
        self._signalling = make_signalling(identity.fingerprint)
        self._joiner = Joiner(self.swarm, self._signalling, identity, prefer=prefer)
        self.entrance = Entrance(self.swarm, self._joiner, listeners)
        self._join_timeout = join_timeout
        self._patience = PATIENCE if spare else 0.0
        self._meter = Meter(self.swarm)

    def open(self) -> None:
        """Begin."""
        self._joiner.start()

    async def join(self, count: int, *, rate: float | None = None, at_once: int = 64) -> None:
        """`count` more listeners, at `rate` a second, or as fast as they get in with `at_once` under way."""
        began = time.monotonic()
        if rate is None:
            gate = asyncio.Semaphore(at_once)
            joins = [asyncio.create_task(self._gated(gate, began)) for _ in range(count)]
        else:
            joins = []
            for number in range(count):
                joins.append(asyncio.create_task(self._one(began)))
                await asyncio.sleep(max(0.0, began + (number + 1) / rate - time.monotonic()))
        await asyncio.gather(*joins)

    def mark(self) -> None:
        """Begin a measuring window."""
        self._meter.mark()

    def window(self) -> Window:
        """What was received since then."""
        return self._meter.window(
            session.index
            for member in self.members
            for session in member.sessions
            if session.state is State.LISTENING
        )

    def freeze(self) -> None:
        """Keep every listener's counts as they are now."""
        for member in self.members:
            member.freeze()

    async def leave(self) -> None:
        """Everybody goes."""
        gate = asyncio.Semaphore(LEAVERS)

        async def one(member: SwarmMember, session: SwarmSession) -> None:
            member.left = True
            async with gate:
                await self._joiner.leave(session)

        await asyncio.gather(
            self.entrance.settle(),
            *(
                one(member, session)
                for member in self.members
                for session in member.sessions
                if session.state is State.LISTENING
            ),
        )

    async def close(self) -> None:
        """Stop the engine; sessions that were not left are not ended."""
        await self._joiner.stop()
        await self._signalling.close()
        self.swarm.close()

    async def _gated(self, gate: asyncio.Semaphore, began: float) -> None:
        async with gate:
            await self._one(began)

    async def _one(self, began: float) -> None:
        member = SwarmMember(self.swarm, len(self.members), busy=True)
        self.members.append(member)
        try:
            until = time.monotonic() + self._patience
            await self.entrance.enter_patiently(member, timeout=self._join_timeout, until=until)
            self.joining_seconds = time.monotonic() - began
        except JoinError as error:
            self.failures[error.reason] += 1
        finally:
            member.busy = False

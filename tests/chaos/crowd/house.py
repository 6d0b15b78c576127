"""A crowd that behaves like pages: it taps, waits by the status body, gets in, listens, leaves, returns."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import Coroutine, Sequence
from ipaddress import IPv4Address
from typing import Any

from chaos.crowd.counted_whep import CountedWhep
from chaos.crowd.guest import Guest
from chaos.crowd.hello import InjectedJoiner
from chaos.crowd.line_view import LineView, arrival_of
from stentor_loadtest.errors import JoinError
from stentor_loadtest.listener.state import State
from stentor_loadtest.swarm.joiner import Joiner
from stentor_loadtest.swarm.native import Swarm
from stentor_loadtest.swarm.patience import backoff, obeyed
from stentor_loadtest.swarm.session import SwarmSession
from stentor_loadtest.swarm.signalling import NOBODY, Place, RefusedError
from stentor_loadtest.wire.dtls import DtlsIdentity
from stentor_loadtest.wire.srtp import AEAD_AES_128_GCM

JOIN = 10.0  # seconds for an attempt, the wait for a connection included: longer is a timeout
AGAIN = 0.1  # seconds between two attempts in a storm
NO_LINE = 1.0  # seconds: what whoever is refused without a Retry-After waits


class House:
    """`open`, let guests `come`, `leave` and `return_` as often as wanted, `close`."""

    def __init__(
        self, targets: Sequence[str], event: str, *, rows: int, first_address: str | None, inject: bool
    ) -> None:
        """`rows`: how many sessions there may be in all; `inject`: strangers send ClientHellos first."""
        identity = DtlsIdentity((AEAD_AES_128_GCM,))
        first = None if first_address is None else IPv4Address(first_address)
        self.swarm = Swarm(rows, first_address=first, verify_every=50)
        self.whep = CountedWhep(targets, event, identity.fingerprint)
        self.line = LineView(self.whep.status)
        self.joiner = (InjectedJoiner if inject else Joiner)(self.swarm, self.whep, identity)
        self.guests: list[Guest] = []
        self.seated: deque[Guest] = deque()
        self.gone: list[Guest] = []
        self.errors: Counter[str] = Counter()
        self.dropped = 0
        self._rows = deque(range(rows))
        self._tasks: set[asyncio.Task[None]] = set()
        self._leaving_rate = 0.0
        self._leaving: list[asyncio.Task[None]] = []

    def open(self) -> None:
        """Begin."""
        self.joiner.start()
        self._go(self.line.watch())
        self._go(self._let_leave())

    async def close(self, *, goodbye: float) -> None:
        """Nobody comes any more; those who are seated leave, which may take `goodbye` seconds."""
        arriving = self._tasks - set(self._leaving)
        for task in arriving:
            task.cancel()
        await asyncio.gather(*arriving, return_exceptions=True)
        self.leave()
        if self._leaving:
            await asyncio.wait(self._leaving, timeout=goodbye)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.joiner.stop()
        await self.whep.close()

    # -- what a scenario asks for -------------------------------------------------------------------------

    def come(self, count: int, seconds: float, *, kind: str = "guest", no_show: float = 0.0) -> None:
        """`count` people arrive evenly; a part of them takes a place in line and is never seen again."""
        self._go(self._arrive(count, seconds, kind, no_show))

    def storm(self, count: int, at_once: int, *, kind: str = "storm") -> None:
        """`count` join as fast as they get in, with so many under way at any time, and mind no line."""
        gate = asyncio.Semaphore(at_once)

        async def one() -> None:
            guest = self._guest(kind)
            async with gate:
                while await self._attempt(guest) is not None:
                    guest.place = NOBODY
                    await asyncio.sleep(AGAIN)

        for _ in range(count):
            self._go(one())

    def replay(self, ticket: str, count: int, at_once: int) -> None:
        """`count` attempts with the same ticket; each listens for as long as it is let."""
        gate = asyncio.Semaphore(at_once)

        async def one() -> None:
            guest = self._guest("replay", Place(ticket))
            async with gate:
                await self._attempt(guest)

        for _ in range(count):
            self._go(one())

    def leave_at(self, rate: float) -> None:
        """So many a second leave from now on, who was seated first goes first."""
        self._leaving_rate = rate

    def leave(self) -> None:
        """All who are seated leave."""
        while self.seated:
            self._leave_one()

    def return_(self, share: float) -> None:
        """This share of those who have left comes back at once, with what they were given."""
        for guest in random.sample(self.gone, round(share * len(self.gone))):
            self._go(self._live(self._guest("returning", guest.place)))

    def look(self) -> None:
        """Count whom the server hung up on."""
        for guest in [one for one in self.seated if one.session and one.session.state is State.FAILED]:
            self.seated.remove(guest)
            guest.left = time.time()
            self.dropped += 1

    # -- one guest ----------------------------------------------------------------------------------------

    def _guest(self, kind: str, place: Place = NOBODY) -> Guest:
        guest = Guest(len(self.guests), kind, time.time(), place)
        self.guests.append(guest)
        return guest

    async def _arrive(self, count: int, seconds: float, kind: str, no_show: float) -> None:
        began = time.monotonic()
        absent = round(count * no_show)
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number * seconds / count - time.monotonic()))
            # Evenly among the others: the n-th is absent whenever the running share calls for one more.
            comes = (number + 1) * absent // count == number * absent // count
            self._go(self._live(self._guest(kind)) if comes else self._take_and_go(kind))

    async def _take_and_go(self, kind: str) -> None:
        guest = self._guest(f"{kind}, absent")
        try:
            guest.place, guest.arrival = await self.whep.take_place()
        except JoinError as error:
            self.errors[error.reason] += 1

    async def _live(self, guest: Guest) -> None:
        while True:
            if self.line.is_there and guest.place is NOBODY:
                await self._take_place(guest)
            if guest.arrival is not None and not self.line.calls(guest.arrival):
                await asyncio.sleep(self.line.poll_after(guest.arrival))
                continue
            wait = await self._attempt(guest)
            if wait is None:
                return
            await asyncio.sleep(wait)

    async def _take_place(self, guest: Guest) -> None:
        try:
            async with asyncio.timeout(JOIN):
                guest.place, guest.arrival = await self.whep.take_place()
        except (JoinError, TimeoutError) as error:
            self._failed(guest, f"place: {error}" if str(error) else "timeout while taking a place")
            await asyncio.sleep(backoff(guest.errors, random.random))

    async def _attempt(self, guest: Guest) -> float | None:
        """None: in. Otherwise seconds until the next attempt."""
        assert self._rows, "more sessions than there are rows: the scenario has counted wrong"
        session = SwarmSession(self.swarm, self._rows.popleft())
        guest.attempts += 1
        guest.tapped = time.time()
        try:
            place = await self.joiner.join(session, timeout=JOIN, place=guest.place)
        except RefusedError as error:
            self._rows.append(session.index)
            knew, guest.place = guest.place, guest.place.updated(error.place)
            if knew.ticket is not None and knew.resume is None and guest.place.ticket is not None:
                guest.arrival = arrival_of(guest.place.ticket)  # it was shown, so it is counted
            return obeyed(error.wait or NO_LINE, random.random)
        except JoinError as error:
            self._failed(guest, error.reason)
            return backoff(guest.errors, random.random)
        guest.place, guest.session = guest.place.updated(place), session
        guest.heard = session.reception.first_arrival
        self.seated.append(guest)
        return None

    def _failed(self, guest: Guest, reason: str) -> None:
        guest.errors += 1
        self.errors[reason] += 1

    async def _let_leave(self) -> None:
        due = time.monotonic()
        while True:
            await asyncio.sleep(0.02)
            if not self._leaving_rate:
                due = time.monotonic()
            while self._leaving_rate and due <= time.monotonic():
                due += 1 / self._leaving_rate
                if self.seated:
                    self._leave_one()

    def _leave_one(self) -> None:
        guest = self.seated.popleft()
        guest.left = time.time()
        self.gone.append(guest)
        if guest.session is not None:
            self._leaving.append(self._go(self.joiner.leave(guest.session)))

    def _go(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.errors[f"the crowd itself: {task.exception()}"] += 1  # a fault here is no server's success

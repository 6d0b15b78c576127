"""Gets listeners seated: signalling, connectivity check, DTLS; from then on the engine has them."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass

from stentor_loadtest.errors import JoinError, WireError
from stentor_loadtest.listener.ice import CHECK_INTERVAL
from stentor_loadtest.listener.state import State
from stentor_loadtest.swarm.native import NoticeKind, Swarm
from stentor_loadtest.swarm.session import SwarmSession
from stentor_loadtest.swarm.session_keys import session_keys
from stentor_loadtest.swarm.signalling import NOBODY, Local, Place, Remote, Signalling
from stentor_loadtest.wire.dtls import DtlsClient, DtlsIdentity
from stentor_loadtest.wire.srtp import client_keys
from stentor_loadtest.wire.stun import Address

CONNECTING_INTERVAL = 0.25  # seconds between checks until DTLS is done: the first may have come too early
TICK = 0.01  # seconds between looks at what has to be sent again


@dataclass(slots=True)
class _Pending:
    """A join under way; gone, with its 80 KB of OpenSSL, as soon as the listener is seated and hears."""

    session: SwarmSession
    dtls: DtlsClient | None
    heard: asyncio.Future[None]
    check_at: float


class Joiner:
    """Drives the joins of one swarm on the running loop. `start` it, later `stop` it."""

    def __init__(
        self, swarm: Swarm, signalling: Signalling, identity: DtlsIdentity, *, prefer: str | None = None
    ) -> None:
        self._swarm = swarm
        self._signalling = signalling
        self._identity = identity
        self._prefer = prefer
        self._pending: dict[int, _Pending] = {}
        self._seated: dict[int, SwarmSession] = {}
        self._ticker: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()

    def start(self) -> None:
        """Begin to serve notices and timers."""
        self._loop.add_reader(self._swarm.wake_fd, self._serve)
        self._ticker = self._loop.create_task(self._tick_forever())

    async def stop(self) -> None:
        """No more joins."""
        self._loop.remove_reader(self._swarm.wake_fd)
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.gather(self._ticker, return_exceptions=True)

    async def join(
        self,
        session: SwarmSession,
        *,
        timeout: float,  # noqa: ASYNC109 part of what is measured
        place: Place = NOBODY,
    ) -> Place:
        """Return the place it was given, once the first audio packet is authenticated.

        JoinError says at which step it stopped; RefusedError, when the server said when to ask again.
        """
        session.click()
        try:
            async with asyncio.timeout(timeout):
                address = self._swarm.address_of(session.index)
                local = Local(os.urandom(4).hex(), os.urandom(16).hex(), address)
                remote = await self._signalling.start(local, place)
                session.url, session.shard = remote.session, remote.shard
                session.mark("answered")
                await self._connect(session, local, remote)
                return remote.place
        except TimeoutError:
            raise self._failed(session, JoinError(f"timeout while {session.state.value}")) from None
        except WireError as error:
            raise self._failed(session, JoinError(str(error))) from error
        except JoinError as error:
            raise self._failed(session, error) from error
        finally:
            self._pending.pop(session.index, None)

    async def leave(self, session: SwarmSession) -> None:
        """Stop hearing, and end the session."""
        session.freeze()
        self._swarm.unseat(session.index)
        self._seated.pop(session.index, None)
        if session.state is not State.CLOSED:
            session.move(State.CLOSED)
        if session.url is not None:
            await self._signalling.end(session.url)

    def _failed(self, session: SwarmSession, error: JoinError) -> JoinError:
        session.freeze()
        self._swarm.unseat(session.index)
        if session.state is not State.FAILED:
            session.move(State.FAILED)
        return error

    async def _connect(self, session: SwarmSession, local: Local, remote: Remote) -> None:
        server = self._candidate(remote)
        answer = remote.answer
        dtls = DtlsClient(self._identity, expected_fingerprint=answer.fingerprint)
        heard = self._loop.create_future()
        self._pending[session.index] = _Pending(session, dtls, heard, time.monotonic() + CHECK_INTERVAL)
        session.move(State.CHECKING)
        username, passwords = f"{answer.ice_ufrag}:{local.ufrag}", (answer.ice_pwd, local.password)
        if not self._swarm.begin(session.index, server, username, passwords):
            raise JoinError("cannot send", "is the source network local to this machine?")
        await heard

    def _candidate(self, remote: Remote) -> Address:
        candidates = [candidate for candidate in remote.answer.candidates if ":" not in candidate[0]]
        if not candidates:
            raise JoinError("no candidate", "the server has no IPv4 candidate")
        candidates.sort(key=lambda candidate: candidate[0] != self._prefer)
        return candidates[0]

    def _serve(self) -> None:
        now = time.monotonic()
        for index, kind, data in self._swarm.take():
            pending = self._pending.get(index)
            if kind is NoticeKind.CLOSED:
                self._lost(index)
            elif pending is None:
                continue
            elif kind is NoticeKind.HEARD:
                self._hears(pending)
            elif pending.dtls is not None:
                self._handshake(pending, pending.dtls, kind, data, now)

    def _lost(self, index: int) -> None:
        session = self._seated.pop(index, None)
        if session is not None:
            session.move(State.FAILED)

    def _hears(self, pending: _Pending) -> None:
        pending.session.first_packet()
        self._seated[pending.session.index] = pending.session
        if not pending.heard.done():
            pending.heard.set_result(None)

    def _handshake(
        self, pending: _Pending, dtls: DtlsClient, kind: NoticeKind, data: bytes, now: float
    ) -> None:
        session = pending.session
        try:
            if kind is NoticeKind.NOMINATED:
                session.mark("nominated")
                session.move(State.HANDSHAKING)
                dtls.start(now=now)
            else:
                dtls.receive(data, now=now)
            for datagram in dtls.take_datagrams():
                self._swarm.send(session.index, datagram)
            if dtls.connected:
                self._seat(pending, dtls)
        except WireError as error:
            if not pending.heard.done():
                pending.heard.set_exception(error)

    def _seat(self, pending: _Pending, dtls: DtlsClient) -> None:
        session = pending.session
        profile, material = dtls.keying_material()
        keys = session_keys(client_keys(profile, material))
        self._swarm.seat(session.index, keys, int.from_bytes(os.urandom(4), "big"))
        pending.dtls = None
        session.mark("connected")
        session.move(State.CONNECTED)

    async def _tick_forever(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            now = time.monotonic()
            for pending in self._pending.values():
                self._again(pending, now)

    def _again(self, pending: _Pending, now: float) -> None:
        state, index = pending.session.state, pending.session.index
        if now >= pending.check_at and state in (State.CHECKING, State.HANDSHAKING):
            pending.check_at = now + (CHECK_INTERVAL if state is State.CHECKING else CONNECTING_INTERVAL)
            self._swarm.check(index)
        if state is State.HANDSHAKING and pending.dtls is not None:
            pending.dtls.poll(now=now)
            for datagram in pending.dtls.take_datagrams():
                self._swarm.send(index, datagram)

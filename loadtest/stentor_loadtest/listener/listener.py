"""One synthetic listener, from the click to the sound: WHEP, ICE, DTLS, SRTP, reports."""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
import time
from collections.abc import Callable

from stentor_loadtest.errors import JoinError, WireError
from stentor_loadtest.histogram import Histogram
from stentor_loadtest.listener.ice import IceAgent
from stentor_loadtest.listener.reception import Reception
from stentor_loadtest.listener.state import MOVES, State
from stentor_loadtest.listener.udp_port import UdpPort
from stentor_loadtest.listener.whep import Session, WhepClient
from stentor_loadtest.wire import rtcp, sdp, stun
from stentor_loadtest.wire.dtls import DtlsClient, DtlsIdentity
from stentor_loadtest.wire.srtp import RtcpCipher, RtpOpener, SrtpProfile, client_keys
from stentor_loadtest.wire.stun import Address

REPORT_INTERVAL = 5.0  # seconds between receiver reports (RFC 3550 section 6.2)
_RTP_HEADER = struct.Struct("!xBHII")


class Listener:
    """Call `join()`, later `leave()`. Between them `reception` counts what arrives.

    `verify_every` says which share of packets is authenticated and decrypted (the first one always is);
    `on_payload` sees those, `on_send` every datagram that leaves.
    """

    def __init__(
        self,
        whep: WhepClient,
        identity: DtlsIdentity,
        lateness: Histogram,
        *,
        host: str = "0.0.0.0",  # noqa: S104 the kernel picks the source address that reaches the server
        prefer: str | None = None,
        verify_every: int = 50,
        ticket: str | None = None,
        on_payload: Callable[[bytes], None] | None = None,
        on_send: Callable[[bytes], None] | None = None,
    ) -> None:
        self._whep = whep
        self._identity = identity
        self._host = host
        self._prefer = prefer
        self._verify_every = verify_every
        self._on_payload = on_payload
        self._on_send = on_send
        self.ticket = ticket
        self.state = State.NEW
        self.reception = Reception(lateness)
        self.timings: dict[str, float] = {}
        self.failure: str | None = None
        self.sender_reports = 0
        self.unreadable = 0
        self.payload_types: set[int] = set()
        self.profile: SrtpProfile | None = None
        self._session: Session | None = None
        self._port: UdpPort | None = None
        self._ice: IceAgent | None = None
        self._dtls: DtlsClient | None = None
        self._rtp: RtpOpener | None = None
        self._rtcp: RtcpCipher | None = None
        self._ssrc = 0
        self._own_ssrc = int.from_bytes(os.urandom(4), "big")
        self._report_at = float("inf")
        self._timer: asyncio.TimerHandle | None = None
        self._heard: asyncio.Future[None] | None = None
        self._started = 0.0

    @property
    def port(self) -> UdpPort | None:
        """Its socket, once open."""
        return self._port

    @property
    def server(self) -> Address | None:
        """The server's address it has nominated."""
        return None if self._ice is None else self._ice.nominated

    async def join(self, *, timeout: float = 10.0) -> None:  # noqa: ASYNC109 part of what is measured
        """Return once the first audio packet is authenticated. JoinError says at which step it stopped."""
        self._heard = asyncio.get_running_loop().create_future()
        self._started = time.monotonic()
        try:
            async with asyncio.timeout(timeout):
                await self._offer()
                await self._heard
        except TimeoutError:
            self._fail(f"timeout while {self.state.value}")
        except JoinError as error:
            self._fail(error.reason)
        except WireError as error:
            self._fail(str(error))
        if self.failure is not None:
            self._release()
            raise JoinError(self.failure)

    async def leave(self) -> int:
        """Say goodbye both ways; the status of the DELETE (0 when there was no session)."""
        if self._dtls is not None and self.state in (State.CONNECTED, State.LISTENING):
            self._dtls.close()
            self._flush()
        self._release()
        if self.state is not State.CLOSED:
            self._move(State.CLOSED)
        return 0 if self._session is None else await self._whep.end(self._session)

    def vanish(self) -> None:
        """Stop without a word, as a phone that loses the network."""
        self._release()
        if self.state is not State.CLOSED:
            self._move(State.CLOSED)

    async def _offer(self) -> None:
        self._move(State.OFFERING)
        local = (os.urandom(4).hex(), os.urandom(16).hex())
        session_id = int.from_bytes(os.urandom(7), "big")
        offer = sdp.build_offer(
            ufrag=local[0], password=local[1], fingerprint=self._identity.fingerprint, session_id=session_id
        )
        self._session = await self._whep.start(offer, ticket=self.ticket)
        self.ticket = self._session.ticket
        self._mark("answered")
        answer = sdp.parse_answer(self._session.answer)
        candidates = [c for c in answer.candidates if (":" in c[0]) == (":" in self._host)]
        if not candidates:
            raise JoinError("no candidate", "the answer has none of our address family")
        candidates.sort(key=lambda candidate: candidate[0] != self._prefer)
        self._port = UdpPort(self._datagram, host=self._host)
        remote = (answer.ice_ufrag, answer.ice_pwd)
        self._ice = IceAgent(local=local, remote=remote, candidates=candidates, random_bytes=os.urandom)
        self._dtls = DtlsClient(self._identity, expected_fingerprint=answer.fingerprint)
        self._move(State.CHECKING)
        self._tick()

    def _datagram(self, data: bytes, source: Address, arrival: float) -> None:
        first = data[0] if data else 255
        try:
            if 128 <= first < 192 and len(data) >= 12:
                if 192 <= data[1] < 224:
                    self._receive_rtcp(data)
                else:
                    self._receive_rtp(data, arrival)
                return
            now = time.monotonic()
            if 20 <= first < 64 and self._dtls is not None:
                self._receive_dtls(self._dtls, data, now)
            elif stun.is_stun(data) and self._ice is not None:
                self._receive_stun(self._ice, data, source, now)
            self._flush()
            self._arm(now)
        except WireError as error:
            self.unreadable += 1
            if self.state is State.HANDSHAKING:
                self._fail(str(error))

    def _receive_stun(self, ice: IceAgent, data: bytes, source: Address, now: float) -> None:
        ice.receive(data, source, now=now)
        if ice.nominated is not None and self.state is State.CHECKING and self._dtls is not None:
            self._mark("nominated")
            self._move(State.HANDSHAKING)
            self._dtls.start(now=now)

    def _receive_dtls(self, dtls: DtlsClient, data: bytes, now: float) -> None:
        dtls.receive(data, now=now)
        if dtls.connected and self.state is State.HANDSHAKING:
            self._mark("connected")
            self._move(State.CONNECTED)
            self.profile, material = dtls.keying_material()
            keys = client_keys(self.profile, material)
            self._rtp = RtpOpener(self.profile, keys.remote_key, keys.remote_salt)
            self._rtcp = RtcpCipher(self.profile, keys)
            self._report(now)

    def _receive_rtp(self, data: bytes, arrival: float) -> None:
        if self._rtp is None:
            return  # before our handshake is complete: cannot be read yet
        kind, sequence, timestamp, ssrc = _RTP_HEADER.unpack_from(data)
        reception = self.reception
        if self.state is State.LISTENING:
            extended = reception.receive(sequence, timestamp, arrival)
            if reception.packets % self._verify_every == 0:
                self._open(self._rtp, data, extended)
            return
        self._open(self._rtp, data, sequence)
        self._ssrc = ssrc
        self.payload_types.add(kind & 127)
        reception.receive(sequence, timestamp, arrival)
        self._mark("heard")
        self._move(State.LISTENING)
        if self._heard is not None and not self._heard.done():
            self._heard.set_result(None)

    def _open(self, rtp: RtpOpener, data: bytes, index: int) -> None:
        payload = rtp.open(data, index)
        if self._on_payload is not None:
            self._on_payload(payload)

    def _receive_rtcp(self, data: bytes) -> None:
        if self._rtcp is not None:
            self.sender_reports += len(rtcp.sender_reports(self._rtcp.open(data)))

    def _report(self, now: float) -> None:
        if self._rtcp is None:
            return
        block = self.reception.report(self._ssrc)
        packet = rtcp.receiver_report(self._own_ssrc, block, cname="loadtest")
        self._send(self._rtcp.seal(packet), self.server)
        self._report_at = now + (REPORT_INTERVAL if block is not None else 0.5)

    def _tick(self) -> None:
        now = time.monotonic()
        if self._ice is None or self._dtls is None:
            return
        self._ice.poll(now=now)
        self._dtls.poll(now=now)
        if now >= self._report_at:
            self._report(now)
        if not self._ice.has_consent(now=now):
            self._fail("consent lost")
            return
        self._flush()
        self._arm(now)

    def _arm(self, now: float) -> None:
        """One timer for the next thing to do; re-armed after every event but media."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._ice is None or self._dtls is None or self.state in (State.FAILED, State.CLOSED):
            return
        due = min(self._ice.due(), self._report_at, self._dtls.due() or float("inf"))
        self._timer = asyncio.get_running_loop().call_later(max(0.0, due - now), self._tick)

    def _flush(self) -> None:
        if self._port is None or self._ice is None:
            return
        for data, to in self._ice.take_datagrams():
            self._send(data, to)
        if self._dtls is not None:
            for data in self._dtls.take_datagrams():
                self._send(data, self.server)

    def _send(self, data: bytes, to: Address | None) -> None:
        if self._port is None or to is None:
            return
        self._port.send(data, to)
        if self._on_send is not None:
            self._on_send(data)

    def _mark(self, step: str) -> None:
        self.timings[step] = time.monotonic() - self._started

    def _move(self, state: State) -> None:
        if state not in MOVES[self.state]:
            raise AssertionError(f"{self.state} -> {state}")
        self.state = state

    def _fail(self, reason: str) -> None:
        if self.state in (State.FAILED, State.CLOSED):
            return
        self.failure = reason
        self._move(State.FAILED)
        if self._heard is not None and not self._heard.done():
            self._heard.set_result(None)

    def _release(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._port is not None:
            with contextlib.suppress(OSError):
                self._port.close()

"""A listener before whose ClientHello a stranger's is sent, from the same address."""

from __future__ import annotations

import aiohttp

from stentor_loadtest.errors import JoinError
from stentor_loadtest.histogram import Histogram
from stentor_loadtest.listener.ice import IceAgent
from stentor_loadtest.listener.listener import Listener
from stentor_loadtest.listener.state import State
from stentor_loadtest.listener.whep import WhepClient
from stentor_loadtest.wire.dtls import DtlsClient, DtlsIdentity
from stentor_loadtest.wire.stun import Address


class Victim(Listener):
    """As soon as it may begin its handshake, its own socket sends the stranger's hello first."""

    def _receive_stun(self, ice: IceAgent, data: bytes, source: Address, now: float) -> None:
        before = self.state
        super()._receive_stun(ice, data, source, now)
        if before is State.CHECKING and self.state is State.HANDSHAKING:
            stranger = DtlsClient(DtlsIdentity(), expected_fingerprint="")
            stranger.start(now=now)
            for datagram in stranger.take_datagrams():
                self._send(datagram, self.server)


async def be_the_first_victim(whep_url: str) -> str:
    """From now on the shard asks for cookies. Why this join failed, or nothing."""
    async with aiohttp.ClientSession() as http:
        victim = Victim(WhepClient(http, whep_url), DtlsIdentity(), Histogram())
        try:
            await victim.join(timeout=5.0)
        except JoinError as error:
            return str(error)
        await victim.leave()
    return ""

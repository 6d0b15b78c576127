"""A joiner for whom somebody on the way sends a ClientHello of their own, just before the listener's.

Whoever can see the packets can send from the listener's address: here the listener's own socket does it.
"""

from __future__ import annotations

from stentor_loadtest.swarm.joiner import Joiner, _Pending
from stentor_loadtest.swarm.native import NoticeKind
from stentor_loadtest.wire.dtls import DtlsClient, DtlsIdentity


class InjectedJoiner(Joiner):
    """As `Joiner`; `injected` counts the strangers' ClientHellos."""

    injected = 0
    _stranger: DtlsIdentity | None = None

    def _handshake(
        self, pending: _Pending, dtls: DtlsClient, kind: NoticeKind, data: bytes, now: float
    ) -> None:
        if kind is NoticeKind.NOMINATED:
            self._stranger = self._stranger or DtlsIdentity()
            stranger = DtlsClient(self._stranger, expected_fingerprint="")
            stranger.start(now=now)
            for datagram in stranger.take_datagrams():
                self._swarm.send(pending.session.index, datagram)
            self.injected += 1
        super()._handshake(pending, dtls, kind, data, now)

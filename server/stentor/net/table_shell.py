"""The shell of a session table: feed, act on notices, transmit, re-arm one timer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from stentor.core.outputs import Address
from stentor.core.webrtc.handover import KnownSession
from stentor.core.webrtc.notices import CloseReason, Notice
from stentor.core.webrtc.peer_table import PeerTable
from stentor.net import clock
from stentor.net.udp_endpoint import UdpEndpoint

CONSENT_HOLD = 10.0  # seconds nobody loses consent after the kernel had to drop datagrams


class TableShell:
    """Joins one `PeerTable` to the loop's clock and a UDP endpoint. `MediaPort` of `net.port_router`."""

    def __init__(self, shard: int, table: PeerTable, endpoint: UdpEndpoint) -> None:
        self.shard = shard
        self.table = table
        self._endpoint = endpoint
        self.on_notice: Callable[[Notice], None] = lambda notice: None
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for = float("inf")

    def owns(self, address: Address) -> bool:
        """Whether one of the table's sessions lives at `address`."""
        return self.table.owns(address)

    def receive_datagram(self, data: bytes, address: Address, source: str | None) -> None:
        """Feed one datagram."""
        self.table.receive_datagram(data, address, source, now=clock.monotonic())
        self._pump()

    def hand_over(self, session: bytes) -> KnownSession:
        """See `PeerTable.hand_over`; DTLS comes by `receive_handed_over`."""
        return self.table.hand_over(session)

    def receive_handed_over(self, session: bytes, data: bytes, address: Address, source: str | None) -> None:
        """A DTLS datagram that the media core has for a session."""
        self.table.receive_handed_over(session, data, address, source, now=clock.monotonic())
        self._pump()

    def moved(self, session: bytes, address: Address, source: str | None) -> None:
        """The media core sends a session's media elsewhere now."""
        self.table.moved(session, address, source)

    def confirm(self, session: bytes, address: Address) -> None:
        """The media core has authenticated RTCP of a session."""
        self.table.confirmed(session, address, now=clock.monotonic())
        self._pump()

    def hold_consent(self) -> None:
        """The kernel dropped datagrams: their senders are not to blame for silence."""
        self.table.hold_consent(clock.monotonic() + CONSENT_HOLD)

    def end(self, session: bytes, reason: CloseReason) -> bool:
        """End one session, also one that nobody has come for yet; False when it has ended before."""
        now = clock.monotonic()
        ended = self.table.end(session, reason, now=now) or self.table.forget(session, now=now)
        self._pump()
        return ended

    def end_event(self, event: bytes, reason: CloseReason) -> None:
        """End every session of an event."""
        self.table.end_event(event, reason, now=clock.monotonic())
        self._pump()

    def send(self, data: bytes, to: Address, source: str | None) -> bool:
        """Send a datagram that did not come from the table (media)."""
        return self._endpoint.send(data, to, source)

    def stop(self) -> None:
        """Let the timer go."""
        if self._timer is not None:
            self._timer.cancel()

    def _pump(self) -> None:
        for notice in self.table.take_notices():
            self.on_notice(notice)
        self._endpoint.send_all(self.table.take_transmits())
        self._arm()

    def _arm(self) -> None:
        due = self.table.next_timeout
        if due is None or due == self._armed_for:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._armed_for = due
        self._timer = self._loop.call_later(max(0.0, due - clock.monotonic()), self._on_timer)

    def _on_timer(self) -> None:
        self._armed_for = float("inf")
        self.table.handle_timeout(now=clock.monotonic())
        self._pump()

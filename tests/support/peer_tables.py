"""What tests of a session table share."""

from __future__ import annotations

from stentor.core.rtp.rtcp import ReceiverReport, serialize_rtcp
from stentor.core.webrtc.peer_table import PeerTable
from support.memory_peer import SERVER_IP, MemoryPeer


def notices_of(table: PeerTable, kind: type) -> list:
    return [notice for notice in table.take_notices() if isinstance(notice, kind)]


def send_rtcp(
    peer: MemoryPeer, table: PeerTable, *, now: float, address: tuple[str, int] | None = None
) -> None:
    sealed = peer.rtcp_sealer().seal(serialize_rtcp([ReceiverReport(1, ())]))
    table.receive_datagram(sealed, address or peer.address, SERVER_IP, now=now)


def run_to(table: PeerTable, now: float) -> None:
    """Let every timer up to `now` fire at its time."""
    while (due := table.next_timeout) is not None and due <= now:
        table.handle_timeout(now=due)

"""The shell of an empty session table on a real socket, for tests of the roles above it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from stentor.core.links import Duty, ShardRecord
from stentor.core.outputs import Address
from stentor.core.webrtc.capsule import PeerKind
from stentor.core.webrtc.notices import PeerConnected
from stentor.core.webrtc.srtp import SrtpKeys, SrtpProfile, keying_length, keys_from_exporter
from stentor.net import clock
from stentor.net.port_router import PortRouter
from stentor.net.table_shell import TableShell
from stentor.net.udp_endpoint import UdpEndpoint
from support.memory_peer import SECRET, SHARD, MemoryPeer, identity, make_table


@contextlib.contextmanager
def open_shell() -> Iterator[TableShell]:
    """On 127.0.0.1; needs a running loop."""
    router = PortRouter()
    endpoint = UdpEndpoint.open(("127.0.0.1", 0), router.on_datagram, router.on_kernel_drops)
    shell = TableShell(SHARD, make_table(now=clock.monotonic()), endpoint)
    router.connect([shell])
    try:
        yield shell
    finally:
        shell.stop()
        endpoint.close()


def record_of(duty: Duty) -> ShardRecord:
    """What that shard would publish."""
    return ShardRecord(SHARD, duty, 1, SECRET, identity().fingerprint, (("127.0.0.1", 9),))


def connected(address: Address, *, number: int = 1, **fields: object) -> PeerConnected:
    """The notice of a peer whose DTLS is complete; the table itself does not know it."""
    fields = {"kind": PeerKind.LISTENER, "session": number.to_bytes(8, "big")} | fields
    capsule = MemoryPeer(address, expires_at=clock.monotonic() + 5.0, **fields).capsule  # type: ignore[arg-type]
    return PeerConnected(capsule, keys(number), address, "127.0.0.1", 0.1)


def keys(number: int) -> SrtpKeys:
    """Keys of session `number` as the server holds them."""
    profile = SrtpProfile.AEAD_AES_128_GCM
    material = bytes((number + i) & 0xFF for i in range(keying_length(profile)))
    return keys_from_exporter(profile, material, is_client=False)

"""The cluster port of a process without a native relay: one UDP socket on the event loop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from stentor.core.mesh.envelope import MAGIC
from stentor.core.outputs import Address
from stentor.net.udp_endpoint import UdpEndpoint

_FIRST_RTP, _LAST_RTP = 128, 191  # first bytes of RTP and RTCP (RFC 7983 section 7)

Receive = Callable[[bytes, Address], None]


class MeshSocket:
    """Send with `send`; what arrives goes to `on_control` or `on_trunk` by its first byte, until `close`."""

    def __init__(self, address: Address) -> None:
        """Bind `address` (IPv4, or IPv6 dual-stack for `::`). OSError when it is taken."""
        self.on_control: Receive | None = None
        """Takes signed control datagrams: `MeshPort.on_datagram`."""
        self.on_trunk: Receive | None = None
        """Takes trunk RTP, still protected."""
        self.dropped: Counter[str] = Counter()
        """What was none of these, or came while nobody took it; the kernel's drops as "kernel"."""
        self._endpoint = UdpEndpoint.open(address, self._on_datagram, self._on_kernel_drops)

    @property
    def address(self) -> Address:
        """Where the socket is bound."""
        return self._endpoint.address

    def send(self, data: bytes, to: Address) -> bool:
        """Send one datagram now or drop it; False when the kernel would not take it."""
        return self._endpoint.send(data, to, None)

    def close(self) -> None:
        """Stop reading and let the port go."""
        self._endpoint.close()

    def _on_datagram(self, data: bytes, sender: Address, _source: str | None) -> None:
        first = data[0] if data else 0
        if first == MAGIC and self.on_control is not None:
            self.on_control(data, sender)
        elif _FIRST_RTP <= first <= _LAST_RTP and self.on_trunk is not None:
            self.on_trunk(data, sender)
        else:
            self.dropped["stray"] += 1

    def _on_kernel_drops(self, count: int) -> None:
        self.dropped["kernel"] += count

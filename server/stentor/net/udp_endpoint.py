"""One UDP socket on the event loop: datagrams with the local address they reached, in and out.

Replies leave from the address that received (IP_PKTINFO), which matters on a host with several.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import socket
import struct
from collections import Counter
from collections.abc import Callable, Iterable

from stentor.core.outputs import Address, Transmit
from stentor.net import clock

IP_PKTINFO = 8  # linux/in.h; not in the socket module of Python 3.11
IP_MTU_DISCOVER, IP_PMTUDISC_PROBE = 10, 3  # linux/in.h: never fragment, trust no ICMP (RFC 8899 section 4)
SO_RXQ_OVFL = 40  # asm-generic/socket.h: ancillary count of datagrams the kernel dropped before us
BUFFER = 4 * 1024 * 1024  # bytes asked for each way: at 1,000 joins a second a 100 ms stall is 3 MB
MAX_DATAGRAM = 2048  # bytes: nothing legitimate is larger than a path's 1,500
BUDGET = 256  # datagrams read per wake-up, so that timers and HTTP get their turn
TIME_BUDGET = 0.005  # seconds per wake-up, for the same: 256 handshakes would hold up audio for 160 ms

Receive = Callable[[bytes, Address, str | None], None]


class UdpEndpoint:
    """Bind with `open`, then `on_datagram` is called for each datagram until `close`."""

    def __init__(
        self, sock: socket.socket, on_datagram: Receive, on_kernel_drops: Callable[[int], None]
    ) -> None:
        self.dropped: Counter[str] = Counter()
        """Datagrams that could not leave, by reason."""
        self._sock = sock
        self._v6 = sock.family == socket.AF_INET6
        self._on_datagram = on_datagram
        self._on_kernel_drops = on_kernel_drops
        self._kernel_drops = 0
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock.fileno(), self._readable)

    @classmethod
    def open(
        cls, address: Address, on_datagram: Receive, on_kernel_drops: Callable[[int], None]
    ) -> UdpEndpoint:
        """Bind `address` (IPv4, or IPv6 dual-stack for `::`). Raises OSError when it is taken."""
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                sock.setsockopt(socket.SOL_SOCKET, option, BUFFER)
            sock.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            else:
                sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
                # Nothing of ours is over 1,200 bytes; and a datagram that may not be fragmented needs no
                # identification, which costs 5 % of sending when there are thousands of destinations.
                sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)
            sock.bind(address)
        except OSError:
            sock.close()
            raise
        return cls(sock, on_datagram, on_kernel_drops)

    @property
    def address(self) -> Address:
        """Where the socket is bound."""
        host, port = self._sock.getsockname()[:2]
        return host, port

    @property
    def ipv6(self) -> bool:
        """Whether it is an IPv6 socket, which takes IPv4 peers as mapped addresses."""
        return self._v6

    @property
    def fileno(self) -> int:
        """The descriptor, good until `close`."""
        return self._sock.fileno()

    def stop_reading(self) -> None:
        """Another reads the descriptor from now on; sending goes on."""
        self._loop.remove_reader(self._sock.fileno())

    def close(self) -> None:
        """Stop reading and let the port go."""
        self._loop.remove_reader(self._sock.fileno())
        self._sock.close()

    def send_all(self, transmits: Iterable[Transmit]) -> None:
        """Send each datagram now or drop it: a socket that is full must not make a queue."""
        for transmit in transmits:
            self.send(transmit.data, transmit.to, transmit.source)

    def send(self, data: bytes, to: Address, source: str | None) -> bool:
        """Send one datagram; False (and counted) when the kernel would not take it."""
        target = (f"::ffff:{to[0]}", to[1]) if self._v6 and ":" not in to[0] else to
        try:
            if source is None:
                self._sock.sendto(data, target)
            else:
                self._sock.sendmsg([data], self._packet_info(source), 0, target)
        except OSError as error:
            # Else port 0, broadcast, no route, or a source address that is gone: this peer's affair alone.
            full = isinstance(error, BlockingIOError) or error.errno == errno.ENOBUFS
            self.dropped["socket full" if full else "refused address"] += 1
            return False
        return True

    def _packet_info(self, source: str) -> list[tuple[int, int, bytes]]:
        if self._v6:
            packed = ipaddress.ip_address(source if ":" in source else f"::ffff:{source}").packed
            return [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, packed + struct.pack("=I", 0))]
        return [
            (socket.IPPROTO_IP, IP_PKTINFO, struct.pack("=I4s4s", 0, socket.inet_aton(source), b"\0" * 4))
        ]

    def _readable(self) -> None:
        until = clock.monotonic() + TIME_BUDGET
        for _ in range(BUDGET):
            if clock.monotonic() >= until:
                return  # the rest is still there at the next turn of the loop
            try:
                data, ancillary, _, sender = self._sock.recvmsg(MAX_DATAGRAM, 128)
            except BlockingIOError:
                return
            except OSError:
                continue  # an ICMP error of an earlier send
            source = self._note_ancillary(ancillary)
            host = sender[0].removeprefix("::ffff:") if self._v6 else sender[0]
            self._on_datagram(data, (host, sender[1]), source)

    def _note_ancillary(self, ancillary: list[tuple[int, int, bytes]]) -> str | None:
        source = None
        for level, kind, value in ancillary:
            if level == socket.IPPROTO_IP and kind == IP_PKTINFO:
                source = socket.inet_ntoa(value[4:8])
            elif level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
                source = socket.inet_ntop(socket.AF_INET6, value[:16]).removeprefix("::ffff:")
            elif level == socket.SOL_SOCKET and kind == SO_RXQ_OVFL:
                total = int.from_bytes(value[:4], "little")
                if total != self._kernel_drops:
                    self._on_kernel_drops((total - self._kernel_drops) & 0xFFFFFFFF)
                    self._kernel_drops = total
        return source


def port_is_free(address: Address) -> bool:
    """Whether the UDP address could be bound now (for `stentor doctor`)."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with contextlib.closing(socket.socket(family, socket.SOCK_DGRAM)) as sock:
        try:
            sock.bind(address)
        except OSError:
            return False
    return True

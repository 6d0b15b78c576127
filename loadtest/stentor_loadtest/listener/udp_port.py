"""A UDP socket that says when the kernel received a datagram, so that our load is not taken for lateness."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable

from stentor_loadtest.wire.stun import Address

_SO_TIMESTAMPNS = 35  # asm-generic/socket.h; Python has no name for it
_SO_RXQ_OVFL = 40  # the same: how many datagrams this socket dropped so far
_ANCILLARY = 64  # bytes: both messages with their headers
_TIMESPEC = struct.Struct("@qq")
_COUNT = struct.Struct("@I")

OnDatagram = Callable[[bytes, Address, float], None]


class UdpPort:
    """One socket on the loop. `on_datagram(data, source, arrival)`; arrival in seconds of the wall clock."""

    def __init__(self, on_datagram: OnDatagram, *, host: str) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
        self._socket.bind((host, 0))
        self._on_datagram = on_datagram
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket.fileno(), self._readable)
        self.dropped = 0
        self.refused = 0

    @property
    def address(self) -> Address:
        """Where it is bound."""
        name = self._socket.getsockname()
        return name[0], name[1]

    def send(self, data: bytes, to: Address) -> None:
        """Send one datagram; what the kernel does not take is lost, as on any network."""
        with contextlib.suppress(BlockingIOError, OSError):
            self._socket.sendto(data, to)

    def close(self) -> None:
        """Stop listening. Safe to call twice."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()

    def _readable(self) -> None:
        try:
            data, ancillary, _, source = self._socket.recvmsg(2048, _ANCILLARY)
        except BlockingIOError:
            return
        except ConnectionRefusedError:  # an ICMP error of an earlier send: the server's port is closed
            self.refused += 1
            return
        arrival = 0.0
        for _, kind, value in ancillary:
            if kind == _SO_TIMESTAMPNS:
                seconds, nanoseconds = _TIMESPEC.unpack(value)
                arrival = seconds + nanoseconds * 1e-9
            elif kind == _SO_RXQ_OVFL:
                self.dropped = _COUNT.unpack(value)[0]
        self._on_datagram(data, (source[0], source[1]), arrival)

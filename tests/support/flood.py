"""What attackers send: forged datagrams in great number, captured ones from addresses not theirs."""

from __future__ import annotations

import os
import random
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stentor_loadtest.wire import stun
from stentor_loadtest.wire.stun import Address


@dataclass(slots=True)
class Echo:
    """What came back to the addresses of a flood."""

    sent_bytes: int = 0
    received_bytes: int = 0
    worst: float = 0.0
    """Most bytes received per byte sent at any single address."""

    def note(self, sent: int, received: int) -> None:
        """Count one address."""
        self.sent_bytes += sent
        self.received_bytes += received
        self.worst = max(self.worst, received / sent)


def forged_datagrams(count: int, *, ufrag: str, seed: int = 1) -> Iterator[bytes]:
    """STUN with guessed credentials, damaged real user names, cut DTLS, stray RTP and plain noise."""
    source = random.Random(seed)
    for number in range(count):
        kind = number % 6
        if kind == 0:
            yield _stun(source, f"{source.randbytes(8).hex()}:x")
        elif kind == 1:
            at = source.randrange(len(ufrag))
            changed = "A" if ufrag[at] != "A" else "B"
            yield _stun(source, f"{ufrag[:at]}{changed}{ufrag[at + 1 :]}:x")
        elif kind == 2:
            whole = _stun(source, f"{ufrag}:x")  # a real user name, a password that is not its own
            yield whole if source.random() < 0.5 else whole[: source.randrange(1, len(whole))]
        elif kind == 3:
            body = source.randbytes(source.randrange(0, 300))
            yield bytes([source.choice((20, 21, 22, 23)), 0xFE, 0xFD]) + body
        elif kind == 4:
            yield bytes([0x80, source.choice((111, 200, 201, 96))]) + source.randbytes(
                source.randrange(0, 200)
            )
        else:
            yield source.randbytes(source.randrange(0, 1200))


def flood(target: Address, datagrams: Iterator[bytes], *, rate: float, sockets: int = 50) -> Echo:
    """Send everything from a few sockets at about `rate` datagrams a second; count what comes back."""
    ports = [_socket(("127.0.0.1", 0)) for _ in range(sockets)]
    sent = [0] * sockets
    received = [0] * sockets
    began = time.monotonic()
    for number, data in enumerate(datagrams):
        at = number % sockets
        ports[at].sendto(data, target)
        sent[at] += len(data)
        if at == sockets - 1:
            _collect(ports, received)
            time.sleep(max(0.0, began + number / rate - time.monotonic()))
    time.sleep(0.5)  # for answers that are under way or repeated
    _collect(ports, received)
    return _close(ports, sent, received)


def replay_from(
    addresses: Sequence[str], target: Address, datagrams: Sequence[bytes], *, listen: float
) -> Echo:
    """Send the same datagrams from each address; count for `listen` seconds what comes back to each."""
    ports = [_socket((address, 0)) for address in addresses]
    for port in ports:
        for data in datagrams:
            port.sendto(data, target)
    sent = [sum(map(len, datagrams))] * len(ports)
    received = [0] * len(ports)
    end = time.monotonic() + listen
    while time.monotonic() < end:
        _collect(ports, received)
        time.sleep(0.02)
    return _close(ports, sent, received)


def spoofed_addresses(count: int) -> list[str]:
    """Distinct loopback addresses: to the server they are strangers."""
    return [f"127.{1 + n // 62500}.{n // 250 % 250}.{1 + n % 250}" for n in range(count)]


def _stun(source: random.Random, username: str) -> bytes:
    password = source.randbytes(16).hex().encode()
    return stun.binding_request(os.urandom(12), username, password, tie_breaker=source.getrandbits(64))


def _socket(address: Address) -> socket.socket:
    port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    port.setblocking(False)
    port.bind(address)
    return port


def _collect(ports: Sequence[socket.socket], received: list[int]) -> None:
    for at, port in enumerate(ports):
        while True:
            try:
                received[at] += len(port.recv(4096))
            except BlockingIOError:
                break


def _close(ports: Sequence[socket.socket], sent: Sequence[int], received: Sequence[int]) -> Echo:
    echo = Echo()
    for port, out, back in zip(ports, sent, received, strict=True):
        port.close()
        echo.note(out, back)
    return echo
